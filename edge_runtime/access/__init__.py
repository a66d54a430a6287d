"""Who is let in: teams and charts, consents, adoption, retention."""

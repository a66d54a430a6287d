"""How well drafts hold: planted fabrications against the check, and any imported model against reference notes."""

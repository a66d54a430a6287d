"""What a draft says that its source does not: found by rules, never by a model."""

"""Revisions of the relay's tables, oldest first by number."""

"""Fieldward's own vectors: JSON for any implementation, and beside it the module that makes it."""

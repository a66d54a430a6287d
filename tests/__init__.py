"""Fieldward's tests; a package so that `python -m tests.vectors.generate` finds this one and no other."""

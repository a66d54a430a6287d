"""Fuzzing of every decoder that meets strangers' bytes; `python -m tests.fuzz --help`."""

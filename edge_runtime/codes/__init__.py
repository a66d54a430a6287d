"""Codes: which exist, what they say, how units convert; and nothing of it is loaded before it is asked for."""

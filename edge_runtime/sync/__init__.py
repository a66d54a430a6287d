"""Sync with the relay: what is pushed, what comes in, and what a person is told of it."""

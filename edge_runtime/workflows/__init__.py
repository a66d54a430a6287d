"""Workflows on a device: begun from a template, worked at, reported on, completed; and what others hear of them."""

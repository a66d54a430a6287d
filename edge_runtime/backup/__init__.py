"""A device's own encrypted backup: one file, and a device of its own made of it."""

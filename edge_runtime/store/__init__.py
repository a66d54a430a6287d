"""The encrypted store of a device: the protocol's Store on sqlite3, upload states, and small values."""

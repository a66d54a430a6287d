"""The vault: one small file that keeps the device's data key, wrapped by a passphrase or the platform."""

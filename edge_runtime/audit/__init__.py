"""The audit room of a device: recording acts, merging chains, verifying, exporting."""

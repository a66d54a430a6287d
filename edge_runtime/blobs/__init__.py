"""Attachments on a device: sealed chunks in files, what is known of each blob, its way to the relay and back."""

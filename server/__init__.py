"""Processes that run on an organisation's own machines: the relay, and later the gateway."""

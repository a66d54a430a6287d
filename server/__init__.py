"""Processes that run on an organisation's own machines: the relay, the break-glass desk, and later the gateway."""

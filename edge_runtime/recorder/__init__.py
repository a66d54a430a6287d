"""The recorder: every change becomes chained, sealed, signed entries in one durable transaction."""

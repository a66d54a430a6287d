"""The relay: keeps what devices wrote, durable before acknowledged, and passes it on. It cannot read a word of it."""

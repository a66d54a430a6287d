"""What the relay answers over HTTP and WebSocket, a module a desk; `docs/relay.md` lists the addresses."""

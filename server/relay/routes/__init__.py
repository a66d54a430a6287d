"""What the relay answers over HTTP and WebSocket, a module a desk."""

"""One port to every engine that can run a model here, and the engines behind it."""

"""What each command does: small functions from a checked request to a result, or to the source of a stream."""

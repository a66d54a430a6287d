"""What every server of an organisation does alike: listen, read requests, say errors. It knows none of them."""

"""What a connection may do before it is a request."""

"""The HTTP/1.1 connection, and the registry API on top of it."""

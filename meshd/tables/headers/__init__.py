"""What a connection manager does to headers, decided once for all its requests."""

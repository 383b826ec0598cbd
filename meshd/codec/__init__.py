"""Bytes to protocol events and back. Pure."""

"""The data plane: where bytes move."""

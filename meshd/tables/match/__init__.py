"""Conditions on requests made into closures: one file a kind, listed in `registry`."""

"""HTTP filters made ready to join: one file a filter, listed in `registry`."""

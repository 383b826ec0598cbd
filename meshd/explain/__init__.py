"""A slow, plain interpreter of the snapshot: the reference for `tables`. Pure."""

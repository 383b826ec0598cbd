"""From the snapshot to closures and lookup tables. Pure."""

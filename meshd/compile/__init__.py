"""From the model to the snapshot. Pure."""

"""Where resources come from: a directory, a Kubernetes API server."""

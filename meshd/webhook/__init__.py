"""The admission webhook: a TLS server that the API server of Kubernetes asks about pods, and about resources of the mesh."""

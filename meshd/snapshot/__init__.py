"""The proxy's words, in the shape of Envoy's v3 API: the only contract between control plane and workers. Pure."""

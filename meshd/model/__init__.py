"""The user's words: Kubernetes and Istio resources as frozen values. Pure."""

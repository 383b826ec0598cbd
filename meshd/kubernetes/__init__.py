"""Speaks to the API server of Kubernetes: where it is, who we are to it, and what its answers mean."""

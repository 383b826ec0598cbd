"""Injection: who gets a sidecar, and what that is; pods in, pods out."""

"""What in a World is likely to be a mistake although each resource is right by itself: pure analyzers with Istio's message codes."""

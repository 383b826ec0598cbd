"""Ways of choosing an endpoint: one file a policy, listed in `registry`."""

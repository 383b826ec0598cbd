"""The kernel rules that divert connections to meshd."""

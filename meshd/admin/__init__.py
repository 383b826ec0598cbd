"""Status and configuration, readable over HTTP."""

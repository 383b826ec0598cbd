"""Where meshd is on a machine unless it is told otherwise: part of its contracts."""

CONFIG_DIR = "/etc/meshd"
RUN_DIR = "/run/meshd"
STATE_DIR = "/var/lib/meshd"
LOG_DIR = "/var/log/meshd"

CONTROL_SOCKET = "control.sock"
"""In the run directory: where workers connect."""
ADMIN_SOCKET = "admin.sock"
"""In the run directory: where meshctl connects."""
TOKEN_BUCKETS = "token-buckets"
"""File in the run directory: rate limits, which all workers share."""

CREDENTIALS = "credentials"
"""In the configuration directory: certificates by `credentialName`, a folder each, with files called as the keys of a Kubernetes secret."""

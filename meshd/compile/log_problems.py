"""What the mesh's access log format asks for in vain."""

from meshd.base.errors import Problem
from meshd.compile.node import Proxy
from meshd.telemetry.access_log import find_problems

FIELD = "spec.accessLogFormat"


def log_problems(proxy: Proxy) -> list[Problem]:
    """Give the problems of the access log format, as warnings of the Mesh: the log is written all the same; none where it is switched off."""
    return [
        Problem(proxy.mesh.metadata.origin, message, FIELD, severity="warning")
        for log in proxy.access_logs for message in find_problems(log)
    ]

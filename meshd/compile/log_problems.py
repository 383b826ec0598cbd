"""What the mesh's access log format asks for in vain."""

import json

from meshd.base.errors import Problem
from meshd.compile.node import Proxy
from meshd.telemetry.access_log import find_problems

FIELD = "spec.accessLogFormat"


def log_problems(proxy: Proxy) -> list[Problem]:
    """Give the problems of the access log format, as warnings of the Mesh: the log is written all the same; none where it is switched off."""
    return [
        Problem(proxy.mesh.metadata.origin, message, FIELD, severity="warning")
        for log in proxy.access_logs for message in (*find_problems(log), *(_not_text(proxy.mesh.access_log_format) if log.json_format else ()))
    ]


def _not_text(format_text: str) -> list[str]:
    """Tell of keys of a JSON format whose value is no text; Envoy would keep their type."""
    return [
        f"expected a text for the key {key!r}, got {json.dumps(value)[:80]}; it is logged as the text {str(value)[:80]!r}"
        for key, value in json.loads(format_text).items() if not isinstance(value, str)
    ]

"""What expressions may ask of an exchange or connection."""

from types import SimpleNamespace

import pytest

from meshd.codec.headers import Headers
from meshd.telemetry.attributes import ATTRIBUTES, status_for_grpc
from tests.helpers.log_samples import http, tcp, unread

TYPES = {"truth value": bool, "number": int, "text": bytes, "duration": float, "headers": object}


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_values_are_of_their_type(name):
    """Or there is none; of TCP there is nothing that only requests have."""
    kind, read = ATTRIBUTES[name]
    assert all(isinstance(value, TYPES[kind]) for value in map(read, (http(), tcp(), unread())) if value is not None)
    if name.startswith("request.") and name not in ("request.size", "request.duration"):
        assert read(tcp()) is None


@pytest.mark.parametrize(("status", "headers", "expected"), [
    (200, [(b"grpc-status", b"7")], 7), (200, [], 2), (200, [(b"grpc-status", b"x")], 2), (503, [], 14), (404, [], 12), (400, [], 13), (0, [], 2),
])
def test_grpc_status(status, headers, expected):
    """As the response says, else by HTTP's status."""
    response = SimpleNamespace(status=status, headers=Headers(headers)) if status else None
    assert expected == status_for_grpc(http(status=status, response=response))

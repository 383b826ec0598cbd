"""Format strings are taken apart as Envoy takes them."""

import pytest

from meshd.telemetry.log_format import parse_format
from tests.helpers.log_samples import http


def shown(text: str) -> list[object]:
    """Give the parts of a format, operators by their values."""
    return [part if isinstance(part, str) else part(http()) for part in parse_format(text, "vm")[0]]


@pytest.mark.parametrize(("text", "expected"), [
    ("", []),
    ("plain", ["plain"]),
    ("100%%", ["100%"]),
    ("a %RESPONSE_CODE% b", ["a ", 418, " b"]),
    ("%RESPONSE_CODE%%BYTES_SENT%", [418, 135]),
    ("%REQ(:METHOD)%", [b"GET"]),
    ("%REQ(:METHOD):2%", [b"GE"]),
    ("%REQ(:METHOD):0%", [b""]),
    ("%PROTOCOL:4%", [b"HTTP"]),
    ("%BYTES_SENT:1%", [135]),
    ("%HOSTNAME%", [b"vm"]),
    ("%NONE%", [None]),
    ("%NONE(a:b):3% x", [None, " x"]),
])
def test_parts(text, expected):
    """Text, values, lengths."""
    assert expected == shown(text)


@pytest.mark.parametrize("text", ["50% off", "%", "%req%", "%REQ(%", "%REQ(a)", "%REQ(a):x%", "%REQ(a):%", "%REQ(a):\u0663%", "% RESPONSE_CODE%",
    "%()%"])
def test_what_is_no_operator(text):
    """It is told of and stays as it stands."""
    _, problems = parse_format(text)
    assert (1, text) == (len(problems), "".join(map(str, shown(text))))

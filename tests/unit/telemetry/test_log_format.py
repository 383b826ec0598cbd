"""Format strings are taken apart as Envoy takes them."""

import pytest

from meshd.telemetry.log_format import parse_format
from meshd.telemetry.log_values import Surroundings
from tests.helpers.log_samples import http


def shown(text: str) -> list[object]:
    """Give the parts of a format, operators by their values."""
    return [part if isinstance(part, str) else part(http()) for part in parse_format(text, Surroundings("vm"))[0]]


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
    ("%NONE(f(x)) y)% x", [None, " x"]),
    ("%START_TIME(%s)%", ["1606343178"]),
    ("a\ud800b", ["a?b"]),
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


@pytest.mark.parametrize("text", ["%PROTOCOL:4%", "%BYTES_SENT:1%"])
def test_what_takes_no_length(text):
    """Envoy refuses a length there; it is told of, and kept to."""
    assert [f"{text}: expected no length: Envoy takes none there"] == parse_format(text)[1]


def test_the_argument_is_part_of_what_is_told():
    """So that it is found in a long format."""
    said = ["%REQ()%", "%COMMON_DURATION(a)%", "%REQ(a?b?c)%"]
    assert [text[1:-1].partition("(")[0] for text in said] == [parse_format(text)[1][0][1:].partition("%")[0].partition("(")[0] for text in said]

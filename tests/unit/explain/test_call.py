"""Calls as their authors write them."""

import json

import pytest

from meshd.explain.call import Call


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"port": 80}, Call(address="192.0.2.1", port=80, authority="192.0.2.1")),
        ({"port": 80, "address": "10.0.0.1"}, Call(address="10.0.0.1", port=80, authority="10.0.0.1")),
        ({"port": 80, "address": "[FD00:0::1]"}, Call(address="fd00::1", port=80, authority="[fd00::1]")),
        ({"port": 80, "address": "::ffff:10.0.0.1"}, Call(address="10.0.0.1", port=80, authority="10.0.0.1")),
        ({"port": 80, "authority": ""}, Call(port=80, authority="")),
        ({"port": 80, "authority": "A.test:81"}, Call(port=80, authority="A.test:81")),
        ({"port": 80, "headers": {"Host": "a.test", "X-V": ["1", "2"]}}, Call(port=80, authority="a.test", headers=(("x-v", "1"), ("x-v", "2")))),
        ({"port": 80, "headers": {"host": "b"}, "authority": "a"}, Call(port=80, authority="a")),
        ({"port": 443, "tls": "tls", "authority": "A.test:443"}, Call(port=443, tls="tls", authority="A.test:443", sni="a.test", alpn=("http/1.1",))),
        ({"port": 443, "tls": "tls", "authority": "10.0.0.1"}, Call(port=443, tls="tls", authority="10.0.0.1", alpn=("http/1.1",))),
        ({"port": 443, "tls": "tls", "authority": "[::1]:443"}, Call(port=443, tls="tls", authority="[::1]:443", alpn=("http/1.1",))),
        ({"port": 443, "protocol": "tls", "sni": "A"}, Call(port=443, protocol="tls", tls="tls", authority="192.0.2.1", sni="a")),
        ({"port": 443, "protocol": "http2", "tls": "mtls"}, Call(port=443, protocol="http2", tls="mtls", authority="192.0.2.1", alpn=("istio-h2",))),
        ({"port": 443, "tls": "mtls", "alpn": ["a", "b"]}, Call(port=443, tls="mtls", authority="192.0.2.1", alpn=("a", "b"))),
        ({"port": 443, "tls": "mtls", "alpn": "a"}, Call(port=443, tls="mtls", authority="192.0.2.1", alpn=("a",))),
        ({"port": 443, "tls": "mtls", "alpn": []}, Call(port=443, tls="mtls", authority="192.0.2.1")),
        ({"port": 80, "sni": "a", "alpn": "h2"}, Call(port=80, authority="192.0.2.1")),
        ({"port": 80, "method": None, "headers": None, "sourceAddress": ""}, Call(port=80, authority="192.0.2.1")),
        (
            {"port": 1, "direction": "inbound", "sourceAddress": "10.0.0.9", "sourcePrincipal": "spiffe://x", "method": "POST", "path": "/a?b"},
            Call("inbound", port=1, authority="192.0.2.1", method="POST", path="/a?b", source_address="10.0.0.9", source_principal="spiffe://x"),
        ),
    ],
)
def test_reads_a_call_with_its_defaults(content, expected):
    """From an object and from its text alike."""
    assert (expected, []) == Call.from_json(content)
    assert (expected, []) == Call.from_json(json.dumps(content))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", ["expected a JSON object, got text that is none"]),
        ("", ["expected a JSON object, got text that is none"]),
        (b"\xff", ["expected a JSON object, got text that is none"]),
        ("[" * 100_000, ["expected a JSON object, got text that is none"]),
        ("[]", ["expected a JSON object, got []"]),
        (None, ["expected a JSON object, got None"]),
        ({}, ["port: expected a number from 1 to 65535, got nothing"]),
        ({"port": None}, ["port: expected a number from 1 to 65535, got None"]),
        ({"port": 0}, ["port: expected a number from 1 to 65535, got 0"]),
        ({"port": 65536}, ["port: expected a number from 1 to 65535, got 65536"]),
        ({"port": True}, ["port: expected a number from 1 to 65535, got True"]),
        ({"port": 80.5}, ["port: expected a number from 1 to 65535, got 80.5"]),
        ({"port": "80"}, ["port: expected a number from 1 to 65535, got '80'"]),
        ({"port": 80, "ports": 80}, ["ports: unknown field"]),
        ({"port": 80, "direction": "up"}, ["direction: expected outbound, inbound or gateway, got 'up'"]),
        ({"port": 80, "direction": ["outbound"]}, ["direction: expected outbound, inbound or gateway"]),
        ({"port": 80, "address": "a.test"}, ["address: expected an IP address, got 'a.test'"]),
        ({"port": 80, "address": "fe80::1%eth0"}, ["address: expected an IP address"]),
        ({"port": 80, "address": 1}, ["address: expected an IP address, got 1"]),
        ({"port": 80, "protocol": "udp"}, ["protocol: expected http, http2, tcp or tls, got 'udp'"]),
        ({"port": 80, "tls": False}, ["tls: expected none, tls or mtls, got False"]),
        ({"port": 80, "path": ""}, ["path: expected printable ASCII without blanks, got ''"]),
        ({"port": 80, "path": "/a b"}, ["path: expected printable ASCII without blanks"]),
        ({"port": 80, "path": "/\x00"}, ["path: expected printable ASCII without blanks"]),
        ({"port": 80, "path": "/é"}, ["path: expected printable ASCII without blanks"]),
        ({"port": 80, "method": "GE T"}, ["method: expected a method name, got 'GE T'"]),
        ({"port": 80, "authority": "a b"}, ["authority: expected a host name"]),
        ({"port": 80, "headers": []}, ["headers: expected an object"]),
        ({"port": 80, "headers": {"a b": "1"}}, ["headers: expected an object"]),
        ({"port": 80, "headers": {"a": 1}}, ["headers: expected an object"]),
        ({"port": 80, "headers": {"a": "1\r\nb: 2"}}, ["headers: expected an object"]),
        ({"port": 80, "alpn": {"a": 1}}, ["alpn: expected a protocol name or a list of them"]),
        ({"port": 80, "sourceAddress": "x"}, ["sourceAddress: expected an IP address"]),
        ({"port": 0, "tls": "no", "x": 1}, ["x: unknown field", "port: expected a number", "tls: expected none"]),
        ({"port": 80, "path": "\n" * 1000}, ["path: expected printable ASCII without blanks, got '\\n"]),
    ],
)
def test_names_everything_that_is_wrong(content, expected):
    """Where, what was expected, what was found; all at once, and never a traceback."""
    call, problems = Call.from_json(content)
    assert None is call
    assert len(expected) == len(problems)
    for beginning, problem in zip(expected, problems, strict=True):
        assert str(problem).startswith(f"--call: {beginning}")
        assert len(str(problem)) < 300

"""Headers of the PROXY protocol."""

import pytest

from meshd.codec.proxy_protocol import SIGNATURE, write_proxy_header


@pytest.mark.parametrize(("source", "destination", "expected"), [
    (("10.0.0.9", 4000), ("10.1.0.1", 80), b"PROXY TCP4 10.0.0.9 10.1.0.1 4000 80\r\n"),
    (("fd00::9", 65535), ("fd00::1", 1), b"PROXY TCP6 fd00::9 fd00::1 65535 1\r\n"),
    (("10.0.0.9", 4000), ("fd00::1", 80), b"PROXY TCP6 ::ffff:10.0.0.9 fd00::1 4000 80\r\n"),
])
def test_text(source, destination, expected):
    """One line."""
    assert expected == write_proxy_header("V1", source, destination)


@pytest.mark.parametrize(("source", "destination", "expected"), [
    (("10.0.0.9", 4000), ("10.1.0.1", 80), b"\x21\x11\x00\x0c\x0a\x00\x00\x09\x0a\x01\x00\x01\x0f\xa0\x00\x50"),
    (("fd00::9", 4000), ("fd00::1", 80),
     b"\x21\x21\x00\x24\xfd" + bytes(14) + b"\x09\xfd" + bytes(14) + b"\x01\x0f\xa0\x00\x50"),
])
def test_bytes(source, destination, expected):
    """Signature, version and command, family, length, addresses, ports."""
    assert SIGNATURE + expected == write_proxy_header("V2", source, destination)

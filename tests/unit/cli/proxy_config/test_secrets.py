"""Rows of secrets, as istioctl writes them."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from meshd.cli.proxy_config.filters import Filters
from meshd.cli.proxy_config.secrets import describe_certificate, rows, select

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def certificate() -> str:
    """Give a certificate, valid on the first of January 2026."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 0xABC, FIRST, FIRST + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(("hours", "valid"), [(-1, "false"), (1, "true"), (25, "false")])
def test_describe_certificate(hours: int, valid: str) -> None:
    """Serial number in hex, times in UTC."""
    expected = (valid, "abc", "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z")
    assert expected == describe_certificate(certificate(), FIRST + timedelta(hours=hours))


def test_what_is_no_certificate() -> None:
    """Is not valid."""
    assert ("false", "", "", "") == describe_certificate("junk", FIRST)


def test_rows() -> None:
    """A chain and trusted roots, each by its kind; keys are nowhere."""
    dump = {"secrets": [
        {"name": "default", "tlsCertificate": {"certificateChain": {"inlineString": "junk"}, "privateKey": {"inlineString": "KEY"}}},
        {"name": "ROOTCA", "validationContext": {"trustedCa": {"inlineString": "junk"}}},
    ]}
    expected = [("ROOTCA", "CA", "ACTIVE", "false", "", "", ""), ("default", "Cert Chain", "ACTIVE", "false", "", "", "")]
    assert expected == rows(select(dump, Filters()), Filters())
    assert ["default"] == [secret["name"] for secret in select(dump, Filters(name="default"))]

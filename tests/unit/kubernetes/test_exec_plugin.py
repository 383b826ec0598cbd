"""What credential programs give (their running is shown with real ones in tests/integration)."""

import json

import pytest

from meshd.kubernetes.exec_plugin import Login, read_login

V1 = "client.authentication.k8s.io/v1"


def written(status, **changes):
    """Give an ExecCredential."""
    return json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status, **changes}).encode()


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"token": "t"}, Login("t")),
        ({"clientCertificateData": "c", "clientKeyData": "k"}, Login("", "c", "k")),
        ({"token": "t", "expirationTimestamp": "1970-01-01T00:01:40Z"}, Login("t", expires=100.0)),
        ({"token": "t", "expirationTimestamp": "1970-01-01T02:01:40+02:00"}, Login("t", expires=100.0)),
        ({"token": "t", "expirationTimestamp": "1970-01-01T00:01:40.5Z"}, Login("t", expires=100.5)),
    ],
)
def test_reads_credentials(status, expected):
    """A token, a certificate, until when."""
    assert expected == read_login(written(status), V1)


JSON = "expected an ExecCredential as JSON on its standard output, got something else"
OTHER = "expected an ExecCredential with a status on its standard output, got other JSON"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", JSON),
        (b"s3cr3t", JSON),
        (b"\xff", JSON),
        (b"[" * 100_000, JSON),
        (b"[]", OTHER),
        (written({"token": "s3cr3t"}, kind="Pod"), OTHER),
        (written("s3cr3t"), OTHER),
        (
            written({"token": "s3cr3t"}, apiVersion="client.authentication.k8s.io/v1beta1"),
            f"expected an ExecCredential of {V1}, got another version; write the apiVersion that it speaks into the kubeconfig",
        ),
        (written({}), "expected status.token or status.clientCertificateData, got neither"),
        (written({"token": 5}), "expected status.token to be text, got something else"),
        (written({"clientCertificateData": "s3cr3t"}), "expected status.clientCertificateData and status.clientKeyData, got one of them"),
        (written({"token": "s3cr3t\r\nX: y"}), "expected status.token to be letters, digits and signs of ASCII on one line, got something else"),
        (
            written({"token": "s3cr3t", "expirationTimestamp": "soon"}),
            "expected status.expirationTimestamp to be a time such as 2026-11-28T12:00:00Z, got something else",
        ),
    ],
)
def test_says_what_is_wrong(content, expected):
    """And quotes nothing of it."""
    with pytest.raises(ValueError) as raised:
        read_login(content, V1)
    assert expected == str(raised.value)


def test_shows_nothing_secret():
    """Logins are in no log."""
    assert "s3cr3t" not in repr(Login("s3cr3t", "s3cr3t", "s3cr3t"))

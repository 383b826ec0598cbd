"""TLS as values."""

import pytest

from meshd.snapshot.tls import DownstreamTls, PeerCheck, UpstreamTls, secrets_named


@pytest.mark.parametrize(("tls", "expected"), [
    (DownstreamTls(), ("default", "ROOTCA")),
    (DownstreamTls(certificates=("a", "b"), client=None), ("a", "b")),
    (DownstreamTls(certificates=("a",), client=PeerCheck()), ("a",)),
    (DownstreamTls(certificates=("a",), client=PeerCheck("b", revoked="c")), ("a", "b", "c")),
    (UpstreamTls(), ()),
    (UpstreamTls(certificate="a", server=PeerCheck("b")), ("a", "b")),
])
def test_the_secrets_that_it_names(tls, expected):
    """Certificates first, then roots."""
    assert expected == secrets_named(tls)

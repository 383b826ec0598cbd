"""Filter chains as values."""

import attrs
import pytest

from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch, needs_identity
from meshd.snapshot.network_filter import TcpProxy
from meshd.snapshot.tls import DownstreamTls


def test_a_match_without_criteria_takes_all():
    """Each criterion is off until it is set."""
    assert (None, (), (), "", ()) == attrs.astuple(FilterChainMatch())


def test_a_chain_takes_bytes_as_they_come():
    """TLS is ended only where it is said; then the machine's own certificate is used."""
    assert FilterChain("a", FilterChainMatch(), TcpProxy("s", "c")).tls is None
    assert needs_identity(FilterChain("a", FilterChainMatch(), TcpProxy("s", "c"), DownstreamTls()))
    assert not needs_identity(FilterChain("a", FilterChainMatch(), TcpProxy("s", "c"), DownstreamTls(certificates=("file-cert:/c~/k",))))


def test_chains_cannot_be_changed():
    """They are shared between generations."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FilterChain("a", FilterChainMatch(), TcpProxy("s", "c")).name = "b"  # type: ignore[misc]

"""Filter chains as values."""

import attrs
import pytest

from meshd.snapshot.filter_chain import DownstreamTls, FilterChain, FilterChainMatch
from meshd.snapshot.network_filter import TcpProxy


def test_a_match_without_criteria_takes_all():
    """Each criterion is off until it is set."""
    assert (None, (), (), "", ()) == attrs.astuple(FilterChainMatch())


def test_a_chain_takes_bytes_as_they_come():
    """TLS is ended only where it is said; then the machine's own certificate is used."""
    assert FilterChain("a", FilterChainMatch(), TcpProxy("s", "c")).tls is None
    assert ("default", "ROOTCA") == (DownstreamTls().certificate, DownstreamTls().trusted_ca)


def test_chains_cannot_be_changed():
    """They are shared between generations."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        FilterChain("a", FilterChainMatch(), TcpProxy("s", "c")).name = "b"  # type: ignore[misc]

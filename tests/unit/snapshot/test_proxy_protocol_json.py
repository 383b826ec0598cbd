"""The PROXY protocol in Envoy's JSON."""

import pytest

from meshd.snapshot.cluster import Cluster
from meshd.snapshot.cluster_json import read_cluster, write_cluster
from meshd.snapshot.json_fields import typed
from meshd.snapshot.noted_json import FieldError, Report, note
from meshd.snapshot.proxy_protocol_json import KIND, NAME, RAW, around, change_within, read_version, within
from meshd.snapshot.tls import PeerCheck, UpstreamTls
from meshd.snapshot.tls_json import with_files

PLAIN = typed("envoy.transport_sockets.raw_buffer", RAW)


@pytest.mark.parametrize(("version", "config"), [("V1", {}), ("V2", {"version": "V2"})])
def test_stands_around_a_plain_socket(version, config):
    """As Istio writes it, and back."""
    cluster = Cluster("c", "STATIC", proxy_protocol=version)
    message = write_cluster(cluster)
    assert typed(NAME, KIND, {"config": config, "transportSocket": PLAIN}) == message["transportSocket"]
    assert (cluster, None) == read_cluster(message)
    noted = note(message, "", Report("f"))
    assert (cluster, None, []) == (*read_cluster(noted), noted.report.problems)


def test_stands_around_tls():
    """The header goes before the handshake; certificates within become files, too."""
    cluster = Cluster("c", "STATIC", proxy_protocol="V2", tls=UpstreamTls((), "kubernetes://a", PeerCheck("kubernetes://a-cacert"), "h.test"))
    message = write_cluster(cluster)
    assert (cluster, None) == read_cluster(message)
    socket = with_files(message["transportSocket"], "/c", "/roots")
    assert {"tlsCertificates", "validationContext"} <= set(within(socket)["typedConfig"]["commonTlsContext"])
    assert "V2" == read_version(socket)


def test_a_plain_socket_needs_no_files():
    """Nor is it changed."""
    socket = around("V1")
    assert (socket, PLAIN) == (with_files(socket, "/c", "/roots"), with_files(PLAIN, "/c", "/roots"))


def test_others_are_themselves():
    """They have no version."""
    assert ("", PLAIN, {"a": 1}) == (read_version(PLAIN), within(PLAIN), change_within(PLAIN, lambda inner: {"a": 1}))


def test_another_version_is_refused():
    """There is none."""
    with pytest.raises(FieldError, match="expected V1 or V2, found 'V3'"):
        read_version(typed(NAME, KIND, {"config": {"version": "V3"}, "transportSocket": PLAIN}))

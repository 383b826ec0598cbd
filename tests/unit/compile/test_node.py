"""The machine that is compiled for."""

import pytest

from meshd.compile.node import access_logs, read_proxy
from meshd.model.sidecar import Sidecar
from meshd.model.virtual_service import Destination
from meshd.snapshot.network_filter import AccessLog
from tests.helpers.services import machine, mesh, metadata, proxy


@pytest.mark.parametrize(
    ("addresses", "wildcards"),
    [(("10.0.0.1",), ("0.0.0.0",)), (("fd00::1",), ("::",)), (("fd00::1", "10.0.0.1"), ("0.0.0.0", "::"))],
)
def test_listens_in_the_families_of_its_addresses(addresses, wildcards):
    """IPv4 comes first where there are both."""
    assert wildcards == proxy(machine(*addresses)).wildcards


def test_a_machine_without_addresses_counts_as_ipv4():
    """There is always somewhere to listen."""
    node = machine()
    assert ("0.0.0.0",) == read_proxy(type(node)(node.metadata), mesh(), "/log").wildcards


@pytest.mark.parametrize(("address", "v4", "v6", "both"), [("10.0.0.9", True, False, True), ("fd00::9", False, True, True)])
def test_reaches_addresses_of_its_own_families(address, v4, v6, both):
    """A machine without IPv6 addresses reaches none."""
    reached = [proxy(machine(*own)).reachable(address) for own in (("10.0.0.1",), ("fd00::1",), ("10.0.0.1", "fd00::1"))]
    assert [v4, v6, both] == reached


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [((), ()), (("10.9.0.1",), ("10.9.0.1",)), (("10.9.0.1", "fd00::9"), ("fd00::9",)), (("fd00::9", "10.9.0.1"), ("fd00::9",))],
)
def test_chooses_the_addresses_of_its_own_families(addresses, expected):
    """A service that has none of them keeps its first, so that it does not count as one without an address."""
    assert expected == proxy(machine("fd00::1")).chosen(addresses)


def test_its_domain_is_its_namespace_and_the_suffix_of_the_mesh():
    """Short names are cut from this."""
    assert "shop.svc.mesh.example" == proxy(machine(namespace="shop"), domain_suffix="mesh.example").domain


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (AccessLog("/log/access.log"),)),
        ({"access_log_file": ""}, ()),
        ({"access_log_file": "/dev/stdout"}, (AccessLog("/dev/stdout"),)),
        ({"access_log_format": "%PROTOCOL%"}, (AccessLog("/log/access.log", "%PROTOCOL%"),)),
    ],
)
def test_the_access_log_is_on_unless_its_path_is_empty(settings, expected):
    """Istio's default is off; meshd's is on."""
    assert expected == access_logs(mesh(**settings), "/log/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", ""), ('{"a": "%PROTOCOL%",  "b": {"c": 1}}', '{"a": "%PROTOCOL%", "b": {"c": 1}}'), ("[1", ""), ("[1]", ""), ("null", "")],
)
def test_json_logs_take_keys_of_ones_own(text, expected):
    """What is no object counts as absent: the reader of the Mesh has said so."""
    settings = mesh(access_log_encoding="JSON", access_log_format=text)
    assert (AccessLog("/log/access.log", json=True, json_format=expected),) == access_logs(settings, "/log")


def test_an_edge_proxy_may_have_both_families():
    """Whether it captures or not, its addresses tell."""
    assert ("0.0.0.0", "::") == proxy(machine("10.0.0.1", "fd00::1", gateway=True)).wildcards


@pytest.mark.parametrize(
    ("policy", "own", "expected"),
    [
        ("ALLOW_ANY", None, (False, "PassthroughCluster")),
        ("REGISTRY_ONLY", None, (True, "BlackHoleCluster")),
        ("ALLOW_ANY", {}, (False, "PassthroughCluster")),
        ("REGISTRY_ONLY", {}, (True, "BlackHoleCluster")),
        ("ALLOW_ANY", {"outbound_mode": "REGISTRY_ONLY"}, (True, "BlackHoleCluster")),
        ("REGISTRY_ONLY", {"outbound_mode": "ALLOW_ANY"}, (False, "PassthroughCluster")),
        ("ALLOW_ANY", {"egress_proxy": Destination("exit", "v1", 80)}, (False, "outbound|80|v1|exit.shop.svc.cluster.local")),
        ("ALLOW_ANY", {"egress_proxy": Destination("exit.example", "", 80)}, (False, "outbound|80||exit.example")),
        ("ALLOW_ANY", {"outbound_mode": "REGISTRY_ONLY", "egress_proxy": Destination("exit", "", 80)}, (True, "BlackHoleCluster")),
    ],
)
def test_where_unknown_destinations_go(policy, own, expected):
    """The Sidecar's word counts before the mesh's; its egress proxy stands in a name of its namespace, and takes what is not refused."""
    sidecar = None if own is None else Sidecar(metadata("Sidecar", "own", "shop"), **own)
    found = read_proxy(machine(), mesh(outbound_traffic_policy=policy), "/log", sidecar)
    assert expected == (found.registry_only, found.unknown_cluster)

"""The inbound listener."""

import attrs
import pytest

from meshd.base.origins import Origin
from meshd.compile.inbound_listeners import bound_inbound, virtual_inbound
from meshd.compile.inbound_ports import InboundPort
from meshd.compile.peer_modes import PeerModes, PeerRule
from meshd.model.server_tls import Certificate, ServerTls
from meshd.snapshot.filter_chain import FilterChainMatch
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from tests.helpers.services import machine, mesh_service, port, proxy, service

WEB = mesh_service(service("web", port(80, "http")))
V4, V6 = ("0.0.0.0/0",), ("::/0",)
HTTP, ISTIO_HTTP = ("http/1.1", "h2c"), ("istio-http/1.0", "istio-http/1.1", "istio-h2")
SIDECAR = Origin("sidecar.yaml")
ISTIO_TCP = ("istio-peer-exchange", "istio")


def own(number, protocol):
    """Give a port of this machine."""
    return InboundPort(number, protocol, 80, (WEB,), (WEB.origin,))


def chains(listener, number):
    """Give what the plain chains of a port match and lead to."""
    return [
        (chain.match.transport_protocol, chain.match.application_protocols, "http" if isinstance(chain.filter, HttpConnectionManager) else "tcp")
        for chain in listener.filter_chains if chain.match.destination_port == number
    ]


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("auto", [("raw_buffer", HTTP, "http"), ("raw_buffer", (), "tcp"), ("tls", (), "tcp")]),
        ("http", [("raw_buffer", (), "http")]),
        ("grpc", [("raw_buffer", (), "http")]),
        ("tcp", [("raw_buffer", (), "tcp"), ("tls", (), "tcp")]),
        ("mysql", [("raw_buffer", (), "tcp"), ("tls", (), "tcp")]),
        ("https", [("raw_buffer", (), "tcp"), ("tls", (), "tcp")]),
        ("udp", [("raw_buffer", (), "tcp"), ("tls", (), "tcp")]),
    ],
)
def test_the_plain_chains_of_a_declared_port(protocol, expected):
    """Other people's TLS passes untouched, but for ports declared HTTP: there it finds no chain."""
    assert expected == chains(virtual_inbound([own(8080, protocol)], proxy()), 8080)


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("auto", [(ISTIO_HTTP, ("h2", "http/1.1")), (ISTIO_TCP, ("istio-peer-exchange", "h2", "http/1.1"))]),
        ("http", [((*ISTIO_TCP, *ISTIO_HTTP), ("h2", "http/1.1"))]),
        ("tcp", [((*ISTIO_TCP, *ISTIO_HTTP), ("istio-peer-exchange", "h2", "http/1.1"))]),
    ],
)
def test_the_chains_for_mutual_tls_wait_beside_them(protocol, expected):
    """They are told by what Istio's proxies offer each other."""
    listener = virtual_inbound([own(8080, protocol)], proxy(trust_domain="shop.example"))
    found = [chain for chain in listener.mutual_tls_chains if chain.match.destination_port == 8080]
    assert expected == [(chain.match.application_protocols, chain.tls.application_protocols) for chain in found]
    for chain in found:
        assert ("spiffe://shop.example/",) == chain.tls.client.prefixes


def test_the_routes_of_a_declared_port():
    """One virtual host, one route, inline."""
    listener = virtual_inbound([own(8080, "http")], proxy())
    chain = next(chain for chain in listener.filter_chains if chain.match.destination_port == 8080)
    routes = chain.filter.route_config
    (host,) = routes.virtual_hosts
    (route,) = host.routes
    assert ("0.0.0.0_8080", "inbound_0.0.0.0_8080;", "istio-envoy") == (chain.name, chain.filter.stat_prefix, chain.filter.server_name)
    assert ("inbound|8080||", "inbound|http|8080", ("*",)) == (routes.name, host.name, host.domains)
    assert ("default", "inbound|8080||", "web.default.svc.cluster.local:80/*") == (route.name, route.action.cluster, route.decorator)
    assert (WEB.origin,) == chain.origins == listener.origins


@pytest.mark.parametrize(
    ("address", "name", "ranges"),
    [("", "0.0.0.0_8080", ()), ("10.0.0.1", "10.0.0.1_8080", ("10.0.0.1/32",)), ("fd00::1", "fd00::1_8080", ("fd00::1/128",))],
)
def test_a_port_may_be_for_one_address_alone(address, name, ranges):
    """As a Sidecar's ingress listener binds it; its chains then match that destination only."""
    listener = virtual_inbound([attrs.evolve(own(8080, "tcp"), address=address)], proxy())
    found = [chain for chain in (*listener.filter_chains, *listener.mutual_tls_chains) if chain.match.destination_port == 8080]
    assert [(name, ranges)] * 3 == [(chain.name, chain.match.prefix_ranges) for chain in found]


def test_a_port_without_a_service_has_no_name_in_traces():
    """Only a Sidecar declares it; its listener's origin is the Sidecar."""
    listener = virtual_inbound([InboundPort(8080, "http", 8080, (), (SIDECAR,))], proxy())
    chain = next(chain for chain in listener.filter_chains if chain.match.destination_port == 8080)
    assert ":8080/*" == chain.filter.route_config.virtual_hosts[0].routes[0].decorator
    assert (SIDECAR,) == chain.origins == listener.origins


@pytest.mark.parametrize(
    ("addresses", "expected"),
    [
        (("10.0.0.1",), [((), "InboundPassthroughClusterIpv4")] * 3),
        (("fd00::1",), [((), "InboundPassthroughClusterIpv6")] * 3),
        (("10.0.0.1", "fd00::1"), [(V4, "InboundPassthroughClusterIpv4")] * 3 + [(V6, "InboundPassthroughClusterIpv6")] * 3),
    ],
)
def test_ports_that_nothing_declares_pass_through(addresses, expected):
    """HTTP is recognised there, too; two families are told apart by the destination."""
    listener = virtual_inbound([], proxy(machine(*addresses)))
    found = [chain for chain in listener.filter_chains if chain.match.destination_port is None]
    clusters = [chain.filter.cluster if isinstance(chain.filter, TcpProxy) else chain.filter.route_config.name for chain in found]
    assert expected == list(zip((chain.match.prefix_ranges for chain in found), clusters, strict=True))
    assert ["virtualInbound-catchall-http", "virtualInbound", "virtualInbound"] * (len(found) // 3) == [chain.name for chain in found]


def test_a_connection_to_the_listener_itself_is_closed():
    """Otherwise it would lead back here."""
    chain = virtual_inbound([], proxy()).filter_chains[0]
    assert ("virtualInbound-blackhole", FilterChainMatch(15006), "BlackHoleCluster") == (chain.name, chain.match, chain.filter.cluster)


def test_declared_ports_are_not_sniffed_for_http():
    """TLS is looked for everywhere but at the listener's own port."""
    listener = virtual_inbound([own(90, "tcp"), own(80, "http"), own(85, "auto")], proxy())
    assert {"original_dst": (), "tls_inspector": ((15006, 15007),), "http_inspector": ((80, 81), (90, 91), (15006, 15007))} == {
        inspector.name: inspector.disabled_ports for inspector in listener.listener_filters
    }


def test_the_listener_is_bound_in_each_family():
    """The second family's address is an additional one; ports are the machine's."""
    node = machine("10.0.0.1", "fd00::1")
    listener = virtual_inbound([], proxy(node, protocol_detection_timeout=5.0))
    assert ("0.0.0.0:15006", ["[::]:15006"]) == (str(listener.address), [str(address) for address in listener.additional_addresses])
    assert (True, "INBOUND", 5.0, True) == (
        listener.bind_to_port, listener.direction, listener.listener_filters_timeout, listener.continue_on_listener_filters_timeout,
    )


def asked(general="PERMISSIVE", *addresses, **ports):
    """Give a machine with modes for its clients: a general one, and those of ports written `p8080`."""
    peers = PeerModes(PeerRule(general), {int(name[1:]): PeerRule(mode, (SIDECAR,)) for name, mode in ports.items()})
    return attrs.evolve(proxy(machine(*addresses)), peers=peers)


def test_strict_ports_have_no_other_chains():
    """They are served from the beginning, though nobody gets through: were they left out, the chains of undeclared ports would take plain text."""
    listener = virtual_inbound([own(8080, "http"), own(9090, "http")], asked(p8080="STRICT"))
    assert [("tls", (), "http")] == chains(listener, 8080)
    assert [("raw_buffer", (), "http")] == chains(listener, 9090)
    assert [9090] == [chain.match.destination_port for chain in listener.mutual_tls_chains if chain.match.destination_port]


def test_strict_everywhere():
    """No chain is for plain text but the one that closes."""
    listener = virtual_inbound([own(8080, "tcp")], asked("STRICT"))
    assert {"virtualInbound-blackhole"} == {chain.name for chain in listener.filter_chains if chain.match.transport_protocol != "tls"}
    assert () == listener.mutual_tls_chains
    assert ["original_dst", "tls_inspector"] == [inspector.name for inspector in listener.listener_filters]


def test_undeclared_ports_may_have_a_mode_of_their_own():
    """In each family; a declared one has it in its own chains."""
    listener = virtual_inbound([own(8080, "http")], asked("DISABLE", "10.0.0.1", "fd00::1", p7000="STRICT", p8080="STRICT"))
    found = [(chain.name, chain.match.prefix_ranges, chain.origins[-1]) for chain in listener.filter_chains if chain.match.destination_port == 7000]
    assert [
        ("virtualInbound-catchall-http", V4, SIDECAR), ("virtualInbound", V4, SIDECAR),
        ("virtualInbound-catchall-http", V6, SIDECAR), ("virtualInbound", V6, SIDECAR),
    ] == found
    ours = [(chain.name, chain.origins[-1]) for chain in listener.filter_chains if chain.match.destination_port == 8080]
    assert [("0.0.0.0_8080", SIDECAR)] == ours


@pytest.mark.parametrize(
    ("mode", "served", "waiting", "inspectors"),
    [("STRICT", 1, 0, ["tls_inspector"]), ("PERMISSIVE", 1, 1, ["tls_inspector"]), ("DISABLE", 1, 0, [])],
)
def test_ports_without_capture_have_modes_too(mode, served, waiting, inspectors):
    """Their listener is bound at the machine's addresses."""
    (listener,) = bound_inbound([attrs.evolve(own(8080, "http"), bound=True)], asked(mode))
    assert (served, waiting) == (len(listener.filter_chains), len(listener.mutual_tls_chains))
    assert inspectors == [inspector.name for inspector in listener.listener_filters]
    assert {None} == {chain.match.destination_port for chain in listener.filter_chains}


@pytest.mark.parametrize(("protocol", "mode", "expected"), [
    ("http", "DISABLE", [("tls", (), "http")]), ("tcp", "DISABLE", [("tls", (), "tcp")]), ("auto", "DISABLE", [("tls", (), "tcp")]),
    ("http", "PERMISSIVE", [("raw_buffer", (), "http")]),
])
def test_a_port_may_end_tls_of_its_own(protocol, mode, expected):
    """Where nobody asks for the mesh's; its chains are called by the machine's address, as a Sidecar declares it."""
    port = attrs.evolve(own(8080, protocol), tls=ServerTls("SIMPLE", files=(Certificate("/c", "/k"),)), shown="10.0.0.1")
    listener = virtual_inbound([port], asked(mode))
    assert expected == chains(listener, 8080)
    assert {"10.0.0.1_8080"} == {chain.name for chain in listener.filter_chains if chain.match.destination_port == 8080}
    assert (mode == "DISABLE") == ({("file-cert:/c~/k",)} == {chain.tls and chain.tls.certificates for chain in listener.filter_chains if chain.tls})

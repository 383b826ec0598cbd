"""Outbound listeners."""

import attrs
import pytest

from meshd.compile.outbound_listeners import outbound_listeners, reserved_ports, virtual_outbound
from meshd.model.endpoint_slice import SliceEndpoint
from meshd.model.node import Ports
from meshd.model.sidecar import Sidecar
from meshd.model.world import World
from meshd.snapshot.network_filter import TcpProxy
from tests.helpers.resources import resources_of
from tests.helpers.rule_contexts import context_for
from tests.helpers.services import HERE, alias, headless, machine, port, proxy, service, slice_of
from tests.helpers.small_worlds import istio

DOMAIN = "default.svc.cluster.local"


def target(chain):
    """Name where a chain leads: a cluster, or a route configuration in brackets."""
    return chain.filter.cluster if isinstance(chain.filter, TcpProxy) else f"[{chain.filter.route_config_name}]"


def built(*resources, node=None, **settings):
    """Give the listeners of services, and the problems with them."""
    world = World().changed(resources)
    own = attrs.evolve(proxy(node, **settings), sidecar=next(iter(world.all(Sidecar)), None))
    scope, workloads, context = context_for(world, own)
    return outbound_listeners(scope.egress, workloads, context)


def listeners(*resources, node=None, **settings):
    """Give the listeners of services by name: where their chains and their default chain lead."""
    found, _problems = built(*resources, node=node, **settings)
    defaults = {one.name: one.default_filter_chain and target(one.default_filter_chain) for one in found}
    return {one.name: ([target(chain) for chain in one.filter_chains], defaults[one.name]) for one in found}


def test_declared_http_shares_a_listener_by_port():
    """Routing is by name there; what is no HTTP passes through."""
    expected = {"0.0.0.0_80": (["[80]"], "PassthroughCluster")}
    assert expected == listeners(service("a", port(80, "http")), service("b", port(80, "grpc"), address="10.9.0.2"))


def test_declared_tcp_listens_at_the_service():
    """All connections to the address are for it."""
    assert {"10.9.0.1_80": (["outbound|80||a.default.svc.cluster.local"], None)} == listeners(service("a", port(80, "tcp")))


def test_undeclared_ports_listen_at_the_service_and_tell_http():
    """HTTP gets a route configuration of the service's own."""
    expected = {"10.9.0.1_80": (["[a.default.svc.cluster.local:80]"], "outbound|80||a.default.svc.cluster.local")}
    assert expected == listeners(service("a", port(80)))


def test_services_without_an_address_take_the_port():
    """The port then belongs to the first of them; HTTP is told by name."""
    resources = service("a", port(80, "tcp"), address=""), service("b", port(90), address=""), service("c", port(80, "http"), address="")
    assert {
        "0.0.0.0_80": (["[80]"], "outbound|80||a.default.svc.cluster.local"),
        "0.0.0.0_90": (["[90]"], "outbound|90||b.default.svc.cluster.local"),
    } == listeners(*resources)


def test_tls_without_an_address_is_told_by_its_name():
    """On the shared listener only; what has another name passes through, and aliases count with their short names."""
    shared = service("a", port(443, "https"), address=""), service("b", port(443, "tls"), address="")
    listener, own = built(*shared, service("c", port(443, "tls")), alias("d", f"a.{DOMAIN}"))[0]
    names = [(chain.match.server_names, target(chain)) for chain in listener.filter_chains]
    aliases = (f"d.{DOMAIN}", "d", "d.default.svc", "d.default")
    assert [((f"a.{DOMAIN}", *aliases), f"outbound|443||a.{DOMAIN}"), ((f"b.{DOMAIN}",), f"outbound|443||b.{DOMAIN}")] == names
    assert ("PassthroughCluster", ["tls_inspector"]) == (target(listener.default_filter_chain), [one.name for one in listener.listener_filters])
    assert ("10.9.0.1_443", (), ()) == (own.name, own.filter_chains[0].match.server_names, own.listener_filters)


def test_addresses_of_the_other_family_are_kept():
    """Nobody reaches them from here, but the service must not take its port at all addresses."""
    assert {"10.9.0.1_80": (["outbound|80||a.default.svc.cluster.local"], None)} == listeners(service("a", port(80, "tcp")), node=machine("fd00::1"))


def test_unknown_destinations_are_refused_where_the_mesh_says_so():
    """The fall-through of a shared listener, too."""
    assert {"0.0.0.0_80": (["[80]"], "BlackHoleCluster")} == listeners(service("a", port(80, "http")), outbound_traffic_policy="REGISTRY_ONLY")


def test_headless_services_listen_at_each_of_their_addresses():
    """Ready or not, but not at this machine's own; declared HTTP shares the port's listener, and a port that no slice serves has none."""
    entries = ["10.1.0.1", SliceEndpoint(("10.1.0.2",), ready=False), HERE, "fd00::1"]
    resources = headless("db", port(80, "tcp"), port(90, "http"), port(70), port(60, "tcp-60")), slice_of("db", {"tcp": 8080, "": 70}, *entries)
    assert {
        "0.0.0.0_90": (["[90]"], "PassthroughCluster"),
        "10.1.0.1_70": (["[db.default.svc.cluster.local:70]"], "outbound|70||db.default.svc.cluster.local"),
        "10.1.0.1_80": (["outbound|80||db.default.svc.cluster.local"], None),
        "10.1.0.2_70": (["[db.default.svc.cluster.local:70]"], "outbound|70||db.default.svc.cluster.local"),
        "10.1.0.2_80": (["outbound|80||db.default.svc.cluster.local"], None),
    } == listeners(*resources)


@pytest.mark.parametrize("resource", [alias("a", "b"), service("a", port(53, protocol="UDP")), headless("a", port(80, "tcp")), service("a")])
def test_some_services_have_no_listener(resource):
    """Aliases, UDP, headless services without endpoints, services without ports."""
    assert {} == listeners(resource)


@pytest.mark.parametrize(
    ("own", "tcp", "http"),
    [
        (("10.0.0.1",), "10.9.0.1_80", "0.0.0.0_90"),
        (("fd00::1",), "fd00::9_80", "::_90"),
        (("10.0.0.1", "fd00::1"), "10.9.0.1_80", "0.0.0.0_90"),
    ],
)
def test_listeners_stand_in_the_families_of_the_machine(own, tcp, http):
    """The first address names the listener."""
    assert {tcp, http} == set(listeners(service("a", port(80, "tcp"), port(90, "http"), address="10.9.0.1 fd00::9"), node=machine(*own)))


def test_further_addresses_belong_to_one_listener_only():
    """Two listeners with one address would be refused together."""
    services = service("a", port(80, "tcp"), address="10.9.0.1 fd00::9"), service("b", port(80, "tcp"), address="fd00::9")
    found, _problems = built(*services, node=machine("10.0.0.1", "fd00::1"))
    places = [str(address) for one in found for address in (one.address, *one.additional_addresses)]
    assert ["10.9.0.1:80", "[fd00::9]:80"] == places


def test_ports_of_meshd_itself_are_not_shared():
    """A service there is told; with an address of its own it may have them."""
    found, problems = built(service("a", port(15001, "http"), port(15006, "tcp")), service("b", port(15006, "tcp"), address=""))
    assert ["10.9.0.1_15006"] == [one.name for one in found]
    assert [("a", "warning"), ("b", "warning")] == [(problem.origin.name, problem.severity) for problem in problems]


def test_reserved_ports_are_the_machines():
    """They are settable."""
    assert frozenset({1, 2, 4, 6}) == reserved_ports(proxy(machine(ports=Ports(outbound=1, inbound=2, admin=3, health=4, dns=5, prometheus=6))))


def test_only_listeners_that_tell_http_wait_for_bytes():
    """The deadline is the mesh's; without an inspector nothing waits."""
    found, _problems = built(service("a", port(80, "tcp"), port(90)), protocol_detection_timeout=5.0)
    assert [("10.9.0.1_80", [], 0.0), ("10.9.0.1_90", ["http_inspector"], 5.0)] == [
        (one.name, [inspector.name for inspector in one.listener_filters], one.listener_filters_timeout) for one in found
    ]


def test_an_http_proxy_port_takes_everything_as_http():
    """Nothing is sniffed there."""
    (found,), _problems = built(service("a", port(80, "http_proxy")))
    assert ("0.0.0.0_80", (), None, "[80]") == (found.name, found.listener_filters, found.default_filter_chain, target(found.filter_chains[0]))


def test_listeners_know_all_their_services():
    """A shared listener has several."""
    (found,), _problems = built(service("a", port(80, "http")), service("b", port(80, "http"), address="10.9.0.2"))
    assert ["a", "b"] == [origin.name for origin in found.origins]


@pytest.mark.parametrize(("policy", "cluster"), [("ALLOW_ANY", "PassthroughCluster"), ("REGISTRY_ONLY", "BlackHoleCluster")])
def test_captured_connections_arrive_at_one_listener(policy, cluster):
    """It hands them on; connections to the listener itself are closed."""
    found = virtual_outbound(proxy(machine("10.0.0.1", "fd00::1"), outbound_traffic_policy=policy))
    assert (True, True, "0.0.0.0:15001", ["[::]:15001"]) == (
        found.bind_to_port, found.use_original_dst, str(found.address), [str(address) for address in found.additional_addresses],
    )
    assert [("virtualOutbound-blackhole", 15001, "BlackHoleCluster"), ("virtualOutbound-catchall-tcp", None, cluster)] == [
        (chain.name, chain.match.destination_port, target(chain)) for chain in found.filter_chains
    ]


def sidecar(*listeners, more=""):
    """Give a Sidecar with these egress listeners."""
    return resources_of(istio("Sidecar", "s", f"egress: [{', '.join(listeners)}]{more}"))[0]


A, B = service("a", port(80, "http"), port(90, "tcp")), service("b", port(80, "http"), port(90, "tcp"), port(100), address="10.9.0.2")
HTTP, TCP_A, TCP_B = (["[80]"], "PassthroughCluster"), ([f"outbound|90||a.{DOMAIN}"], None), ([f"outbound|90||b.{DOMAIN}"], None)
AUTO = ([f"[b.{DOMAIN}:100]"], f"outbound|100||b.{DOMAIN}")


@pytest.mark.parametrize(
    ("egress", "expected"),
    [
        (["{hosts: ['./*']}"], {"0.0.0.0_80": HTTP, "10.9.0.1_90": TCP_A, "10.9.0.2_90": TCP_B, "10.9.0.2_100": AUTO}),
        ([f"{{hosts: [./a.{DOMAIN}]}}"], {"0.0.0.0_80": HTTP, "10.9.0.1_90": TCP_A}),
        (["{hosts: ['~/*']}"], {}),
        (["{hosts: ['./*'], port: {number: 90, protocol: TCP, name: x}}"], {"10.9.0.1_90": TCP_A, "10.9.0.2_90": TCP_B}),
        (["{hosts: ['./*'], port: {number: 80, protocol: TCP, name: x}}"],
         {"10.9.0.1_80": ([f"outbound|80||a.{DOMAIN}"], None), "10.9.0.2_80": ([f"outbound|80||b.{DOMAIN}"], None)}),
        ([f"{{hosts: [./b.{DOMAIN}], port: {{number: 100, protocol: HTTP, name: x}}}}"], {"0.0.0.0_100": (["[100]"], "PassthroughCluster")}),
        ([f"{{hosts: [./a.{DOMAIN}], port: {{number: 90, protocol: TCP, name: x}}, bind: 127.0.0.1}}"], {"127.0.0.1_90": TCP_A}),
        ([f"{{hosts: [./a.{DOMAIN}], port: {{number: 80, protocol: HTTP, name: x}}, bind: 127.0.0.1}}"], {"127.0.0.1_80": (["[80]"], None)}),
        (["{hosts: ['./*'], port: {number: 90, protocol: TCP, name: x}}", f"{{hosts: [./a.{DOMAIN}]}}"],
         {"0.0.0.0_80": HTTP, "10.9.0.1_90": TCP_A, "10.9.0.2_90": TCP_B}),
    ],
)
def test_a_sidecar_says_which_listeners_there_are(egress, expected):
    """By hosts; one with a port is for that port alone, speaks what it says, and stands where it is bound."""
    assert expected == listeners(A, B, sidecar(*egress))


def test_what_a_listener_with_a_port_made_is_its_own():
    """A later one for all ports does not put its services there."""
    found, _problems = built(A, B, sidecar(f"{{hosts: [./a.{DOMAIN}], port: {{number: 80, protocol: HTTP, name: x}}}}", "{hosts: ['./*']}"))
    assert ["a"] == [origin.name for one in found if one.name == "0.0.0.0_80" for origin in one.origins]
    assert {"0.0.0.0_80", "10.9.0.1_90", "10.9.0.2_90", "10.9.0.2_100"} == {one.name for one in found}


def test_listeners_of_one_port_have_routes_of_their_own():
    """The first has those of the number; one for all ports may come there, too."""
    port = "port: {number: 80, protocol: HTTP, name: x}"
    egress = [f"{{hosts: [./{name}.{DOMAIN}], {port}, bind: {bind}}}" for name, bind in (("a", "127.0.0.1"), ("b", "127.0.0.2"))]
    found = listeners(A, B, sidecar(*egress, "{hosts: ['./*']}"))
    assert {"127.0.0.1_80": "[80]", "127.0.0.2_80": "[127.0.0.2_80]", "0.0.0.0_80": "[0.0.0.0_80]"} == {
        name: targets[0] for name, (targets, _default) in found.items() if name.endswith("_80")
    }


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ["127.0.0.1_100", "127.0.0.1_80", "127.0.0.1_90"]), (", port: {number: 80, protocol: HTTP, name: x}", ["127.0.0.1_80"]),
        (", port: {number: 80, protocol: HTTP, name: x}, bind: 127.0.0.5", ["127.0.0.5_80"]),
        (", port: {number: 15001, protocol: HTTP, name: x}", []),
    ],
)
def test_without_capture_clients_connect_to_loopback(more, expected):
    """Or to where it is bound; never to a port of meshd's own."""
    found, _problems = built(A, B, sidecar(f"{{hosts: ['./*'], captureMode: NONE{more}}}"))
    assert (expected, {True}) == (sorted(one.name for one in found), {one.bind_to_port for one in found} or {True})


def test_unix_sockets_are_not_listened_at():
    """Their Problem says so."""
    assert {} == listeners(A, B, sidecar("{hosts: ['./*'], port: {number: 0, protocol: HTTP, name: x}, bind: 'unix:///run/x'}"))


@pytest.mark.parametrize(
    ("policy", "cluster"),
    [
        ("{mode: ALLOW_ANY}", "PassthroughCluster"), ("{mode: REGISTRY_ONLY}", "BlackHoleCluster"), ("{}", "BlackHoleCluster"),
        ("{mode: ALLOW_ANY, egressProxy: {host: b, port: {number: 90}, subset: s}}", f"outbound|90|s|b.{DOMAIN}"),
    ],
)
def test_a_sidecar_says_what_becomes_of_unknown_destinations(policy, cluster):
    """In the place of the mesh; they may go to a proxy."""
    chosen = sidecar("{hosts: ['./*']}", more=f", outboundTrafficPolicy: {policy}")
    own = attrs.evolve(proxy(), sidecar=chosen)
    assert (["[80]"], cluster) == listeners(A, B, chosen)["0.0.0.0_80"]
    assert cluster == target(virtual_outbound(own).filter_chains[-1])

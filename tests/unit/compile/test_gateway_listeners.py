"""Listeners of edge proxies."""

import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from tests.helpers.edge import EDGE_NODE, TLS_FILES, gateway, server
from tests.helpers.small_worlds import NODE, answer_to, compiled, eps, host, svc, tcp, tls, to, virtual

SERVICES = (
    svc("db", "{name: tcp, port: 90}"), svc("web", "{name: http, port: 80}", "10.9.0.2"),
    eps("db", "{name: tcp, port: 9090}", "{addresses: [10.1.0.1]}"),
)
DB, WEB = f"outbound|90||{host('db')}", f"outbound|80||{host('web')}"
PASSED = "tls: {mode: PASSTHROUGH}"


def edge(*documents):
    """Compile a world of an edge proxy."""
    return compiled(EDGE_NODE, *SERVICES, *documents)


def rules(rules_of, hosts="a.example", name="v", year=2020):
    """Write a VirtualService of the Gateway `edge`."""
    return virtual(name, f"hosts: [{hosts}], gateways: [edge], {rules_of}", f", creationTimestamp: '{year}-01-01T00:00:00Z'")


def chains(world, name):
    """Give a listener's chains as server names, whether TLS ends there, and where they lead."""
    found = world.snapshot.listeners[name]
    return [
        (chain.match.server_names, chain.tls is not None,
         chain.filter.route_config_name if isinstance(chain.filter, HttpConnectionManager) else chain.filter.cluster)
        for chain in found.filter_chains
    ]


HTTP = f"http: [{{{to('web')}}}]"
TCP = f"tcp: [{{{to('db')}}}]"
SNI = f"tls: [{{match: [{{sniHosts: [a.example]}}], {to('db')}}}]"


@pytest.mark.parametrize(
    ("text", "rule", "expected"),
    [
        (server(443, "HTTP"), HTTP, [((), False, "http.443")]),
        (server(443, "HTTPS", "a.example", TLS_FILES), HTTP, [(("a.example",), True, "https.443.https-443.edge.default")]),
        (server(443, "HTTPS", "default/a.example", TLS_FILES), HTTP, [(("a.example",), True, "https.443.https-443.edge.default")]),
        (server(443, "HTTPS", "'*'", TLS_FILES), HTTP, [((), True, "https.443.https-443.edge.default")]),
        (server(443, "TCP"), TCP, [((), False, DB)]),
        (server(443, "TCP"), f"tcp: [{{match: [{{port: 444}}], {to('web')}}}, {{match: [{{port: 443}}], {to('db')}}}]", [((), False, DB)]),
        (server(443, "TLS", "a.example", TLS_FILES), TCP, [(("a.example",), True, DB)]),
        (server(443, "TLS", "a.example", PASSED), SNI, [(("a.example",), False, DB)]),
        (server(443, "HTTPS", "a.example", PASSED), SNI, [(("a.example",), False, DB)]),
        (server(443, "TLS", "'*'", PASSED), SNI, [(("a.example",), False, DB)]),
    ],
)
def test_what_servers_do(text, rule, expected):
    """Route requests, end TLS, pass it on by its server name, or forward bytes."""
    world = edge(gateway("edge", text), rules(rule))
    assert expected == chains(world, "0.0.0.0_443")
    assert [] == world.snapshot.inconsistencies()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (server(443, "TCP"), HTTP),
        (server(443, "TCP"), f"tcp: [{{match: [{{port: 444}}], {to('web')}}}]"),
        (server(443, "TCP", "b.example"), TCP),
        (server(443, "TLS", "a.example", PASSED), TCP),
        (server(443, "TLS", "b.example", PASSED), SNI),
        (server(443, "TLS", "a.example", PASSED), SNI.replace("a.example]", "a.example], port: 444")),
        (server(443, "TLS", "a.example", TLS_FILES), SNI),
    ],
)
def test_a_port_without_rules_has_no_listener(text, rule):
    """But for one that routes requests, which answers that it found nothing."""
    assert {} == edge(gateway("edge", text), rules(rule)).snapshot.listeners
    assert ["0.0.0.0_80"] == list(edge(gateway("edge", server(80, "HTTP"))).snapshot.listeners)


def test_how_edge_listeners_stand():
    """On real ports, where they are bound; only TLS is looked into, and a client that says nothing is not waited for."""
    servers = server(80, "HTTP"), server(443, "HTTPS", "a.example", TLS_FILES), server(81, "HTTP", more="bind: 10.0.0.9")
    found = edge(gateway("edge", *servers)).snapshot.listeners
    assert ["0.0.0.0_80", "0.0.0.0_443", "10.0.0.9_81"] == list(found)
    assert {True} == {one.bind_to_port for one in found.values()}
    assert [[], ["tls_inspector"], []] == [[inspector.name for inspector in one.listener_filters] for one in found.values()]
    assert {(15.0, False)} == {(one.listener_filters_timeout, one.continue_on_listener_filters_timeout) for one in found.values()}


def test_what_clients_say_of_themselves_is_not_believed():
    """Their address is the connection's, and their certificate's is what counts."""
    (chain,) = edge(gateway("edge", server(80, "HTTP"))).snapshot.listeners["0.0.0.0_80"].filter_chains
    assert (True, "SANITIZE_SET", "istio-envoy") == (
        chain.filter.use_remote_address, chain.filter.forward_client_cert_details, chain.filter.server_name,
    )


def test_plain_servers_of_a_port_are_one_chain():
    """TLS servers have one each; the second with the same names is left out."""
    world = edge(gateway("edge", server(80, "HTTP", "a.example"), server(80, "HTTP", "b.example", name="x")))
    assert [((), False, "http.80")] == chains(world, "0.0.0.0_80")
    both = server(443, "HTTPS", "a.example", TLS_FILES), server(443, "TLS", "b.example", PASSED)
    world = edge(gateway("edge", *both), rules(f"{HTTP}, {SNI}".replace("sniHosts: [a.example]", "sniHosts: [b.example]"), "a.example, b.example"))
    assert [(("a.example",), True, "https.443.https-443.edge.default"), (("b.example",), False, DB)] == chains(world, "0.0.0.0_443")
    twice = rules(SNI), rules(SNI.replace("host: db", "host: web"), name="w", year=2021)
    assert [(("a.example",), False, DB)] == chains(edge(gateway("edge", server(443, "TLS", "a.example", PASSED)), *twice), "0.0.0.0_443")


def test_weights():
    """Of TCP rules."""
    rule = "tcp: [{route: [{destination: {host: db}, weight: 1}, {destination: {host: web}, weight: 3}]}]"
    (chain,) = edge(gateway("edge", server(90, "TCP")), rules(rule)).snapshot.listeners["0.0.0.0_90"].filter_chains
    assert [(DB, 1), (WEB, 3)] == [(one.name, one.weight) for one in chain.filter.weighted_clusters]


def test_sidecars_have_none_of_it():
    """A Gateway chooses edge proxies."""
    world = compiled(NODE, *SERVICES, gateway("edge", server(90, "TCP")), rules(TCP))
    assert {"virtualOutbound", "virtualInbound"} <= set(world.snapshot.listeners)
    assert "0.0.0.0_90" not in world.snapshot.listeners


def test_connections_get_through_the_edge():
    """Bytes, and TLS that is passed through by its name."""
    world = edge(gateway("edge", server(90, "TCP"), server(443, "TLS", "a.example", PASSED)), rules(f"{TCP}, {SNI}"))
    asked = {"direction": "gateway"}
    assert f"0.0.0.0_90 - {DB} 10.1.0.1:9090" == answer_to(world, tcp("10.0.0.9", 90, **asked))
    assert f"0.0.0.0_443 - {DB} 10.1.0.1:9090" == answer_to(world, tls("10.0.0.9", 443, "a.example", **asked))
    assert "0.0.0.0_443 - - closed NR" == answer_to(world, tls("10.0.0.9", 443, "b.example", **asked))


def test_mutual_tls_of_the_mesh_is_closed_without_identity():
    """Its clients never come to another server of the port, which would take them without a certificate."""
    servers = server(443, "HTTPS", "a.example", "tls: {mode: ISTIO_MUTUAL}"), server(443, "HTTPS", "'*'", TLS_FILES, name="any")
    world = edge(gateway("edge", *servers), rules(HTTP))
    assert [(("a.example",), True, "https.443.https-443.edge.default"), ((), True, "https.443.any-443.edge.default")] == chains(world, "0.0.0.0_443")
    assert () == world.snapshot.listeners["0.0.0.0_443"].mutual_tls_chains

"""Chains of services for connections that are not HTTP, by rules."""

import pytest

from tests.helpers.small_worlds import NODE, answer_to, compiled, eps, host, istio, svc, tcp, tls, to, virtual

PORTS = "{name: tcp, port: 90}, {name: tls, port: 443}"
SERVICES = (
    svc("db", PORTS), svc("v1", "{name: tcp, port: 90}, {name: tls, port: 443}", "10.9.0.2"), svc("v2", "{name: tcp, port: 91}", "10.9.0.3"),
    svc("shared", "{name: tls, port: 444}", ""), svc("web", "{name: http, port: 80}", "10.9.0.4"),
)


def cluster(name, port, subset=""):
    """Name a cluster."""
    return f"outbound|{port}|{subset}|{host(name)}"


def chains(listener, *documents):
    """Give a listener's chains as `names subnets cluster`, the default one last, and the world."""
    world = compiled(NODE, *SERVICES, *documents)
    found = world.snapshot.listeners[listener]
    every = [*found.filter_chains, *([found.default_filter_chain] if found.default_filter_chain else [])]
    return [(chain.match.server_names, chain.match.prefix_ranges, chain.filter.cluster) for chain in every], world


def tcp_rules(rules):
    """Give a VirtualService of `db` with TCP rules."""
    return virtual("vs", f"hosts: [db], tcp: [{rules}]")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (f"{{{to('v1')}}}", [((), (), cluster("v1", 90))]),
        (f"{{{to('v2, port: {number: 91}, subset: s')}}}", [((), (), cluster("v2", 91, "s"))]),
        (f"{{match: [{{port: 90}}], {to('v1')}}}", [((), (), cluster("v1", 90))]),
        (f"{{match: [{{port: 91}}], {to('v1')}}}", [((), (), cluster("db", 90))]),
        (f"{{match: [{{sourceLabels: {{app: self}}}}], {to('v1')}}}", [((), (), cluster("v1", 90))]),
        (f"{{match: [{{sourceLabels: {{app: other}}}}], {to('v1')}}}", [((), (), cluster("db", 90))]),
        (f"{{match: [{{sourceNamespace: other}}], {to('v1')}}}", [((), (), cluster("db", 90))]),
        (f"{{match: [{{gateways: [edge]}}], {to('v1')}}}", [((), (), cluster("db", 90))]),
        (f"{{match: [{{destinationSubnets: [10.1.0.0/16]}}], {to('v1')}}}", [((), ("10.1.0.0/16",), cluster("v1", 90)), ((), (), cluster("db", 90))]),
        (f"{{match: [{{destinationSubnets: [10.1.0.0/16]}}], {to('v1')}}}, {{{to('web')}}}",
         [((), ("10.1.0.0/16",), cluster("v1", 90)), ((), (), cluster("web", 80))]),
        (f"{{match: [{{port: 91}}], {to('v1')}}}, {{match: [{{port: 90}}], {to('web')}}}, {{{to('v2')}}}", [((), (), cluster("web", 80))]),
    ],
)
def test_tcp_rules(rules, expected):
    """The first that takes every connection is the last; without one the service's own chain follows."""
    assert expected == chains("10.9.0.1_90", tcp_rules(rules))[0]


def tls_rules(service, rules, hosts=""):
    """Give a VirtualService with TLS rules."""
    return virtual("vs", f"hosts: [{hosts or service}], tls: [{rules}]")


FULL = host("db")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (f"{{match: [{{sniHosts: [{FULL}]}}], {to('v1')}}}", [((FULL,), (), cluster("v1", 443)), ((), (), "PassthroughCluster")]),
        (f"{{match: [{{sniHosts: [{FULL}], destinationSubnets: [10.1.0.0/16]}}], {to('v1')}}}",
         [((FULL,), ("10.1.0.0/16",), cluster("v1", 443)), ((), (), "PassthroughCluster")]),
        (f"{{match: [{{sniHosts: [{FULL}]}}], {to('v1')}}}, {{match: [{{sniHosts: [{FULL}]}}], {to('v2')}}}",
         [((FULL,), (), cluster("v1", 443)), ((), (), "PassthroughCluster")]),
        (f"{{match: [{{sniHosts: [{FULL}], port: 444}}], {to('v1')}}}", [((), (), cluster("db", 443))]),
        (f"{{match: [{{sniHosts: [{FULL}], sourceLabels: {{app: other}}}}], {to('v1')}}}", [((), (), cluster("db", 443))]),
    ],
)
def test_tls_rules(rules, expected):
    """Told by server name, each match once; without any for this listener the service's own chain stands."""
    assert expected == chains("10.9.0.1_443", tls_rules(FULL, rules))[0]


def test_rules_for_requests_say_nothing_of_connections():
    """Nor TCP rules of TLS, nor TLS rules of TCP."""
    assert [((), (), cluster("db", 90))] == chains("10.9.0.1_90", virtual("vs", f"hosts: [db], http: [{{{to('v1')}}}]"))[0]
    assert [((), (), cluster("db", 443))] == chains("10.9.0.1_443", tcp_rules(f"{{{to('v1')}}}"))[0]
    assert [((), (), cluster("db", 90))] == chains("10.9.0.1_90", tls_rules(FULL, f"{{match: [{{sniHosts: [{FULL}]}}], {to('v1')}}}"))[0]


def test_wildcard_hosts_stand_for_services():
    """Of tcp rules, too."""
    rule = virtual("vs", f"hosts: ['*.default.svc.cluster.local'], tcp: [{{{to('v2')}}}]")
    assert [((), (), cluster("v2", 91))] == chains("10.9.0.1_90", rule)[0]


def test_weights():
    """The first names the statistics; what has no weight gets nothing."""
    rule = tcp_rules("{route: [{destination: {host: v1}, weight: 1}, {destination: {host: db}}, {destination: {host: v2}, weight: 3}]}")
    found, world = chains("10.9.0.1_90", rule)
    assert [((), (), "")] == found
    proxy = world.snapshot.listeners["10.9.0.1_90"].filter_chains[0].filter
    assert ([(cluster("v1", 90), 1), (cluster("v2", 91), 3)], cluster("v1", 90)) == (
        [(one.name, one.weight) for one in proxy.weighted_clusters], proxy.stat_prefix,
    )


@pytest.mark.parametrize("rules", ["", f"{{{to('db')}}}"])
def test_connections_are_held_as_the_destination_rule_says(rules):
    """How long they may be idle and live, and by what an endpoint is picked."""
    policy = ("connectionPool: {tcp: {idleTimeout: 7s, maxConnectionDuration: 60s}}, "
              "loadBalancer: {consistentHash: {useSourceIp: true}}")
    documents = [istio("DestinationRule", "r", f"host: db, trafficPolicy: {{{policy}}}"), *([tcp_rules(rules)] if rules else [])]
    _found, world = chains("10.9.0.1_90", *documents)
    proxy = world.snapshot.listeners["10.9.0.1_90"].filter_chains[0].filter
    assert (7.0, 60.0, True) == (proxy.idle_timeout, proxy.max_connection_duration, proxy.hash_source_ip)


def test_connections_get_where_the_rule_leads():
    """Whole; on a shared listener TLS is told by the service's name unless a rule says otherwise."""
    rule = tls_rules("", f"{{match: [{{sniHosts: ['*.example']}}], {to('v1, port: {number: 443}')}}}", f"{host('shared')}, '*.example'")
    world = chains("10.9.0.1_90", tcp_rules(f"{{{to('v1')}}}").replace("name: vs", "name: other"), rule,
                   eps("v1", "{name: tcp, port: 9090}, {name: tls, port: 9443}", "{addresses: [10.1.0.1]}"))[1]
    assert f"10.9.0.1_90 - {cluster('v1', 90)} 10.1.0.1:9090" == answer_to(world, tcp("10.9.0.1", 90))
    assert f"0.0.0.0_444 - {cluster('v1', 443)} 10.1.0.1:9443" == answer_to(world, tls("10.7.0.1", 444, "a.example"))
    assert "0.0.0.0_444 - PassthroughCluster 10.7.0.1:444" == answer_to(world, tls("10.7.0.1", 444, "other.test"))
    assert [] == world.snapshot.inconsistencies()


@pytest.mark.parametrize(
    ("addresses", "plain", "ranges"),
    [
        ("10.20.0.0/16", [], ("10.20.0.0/16",)),
        ("10.20.0.0/16, 10.30.0.0/16", [], ("10.20.0.0/16", "10.30.0.0/16")),
        ("10.20.0.0/16, 10.40.0.5", ["10.40.0.5_3306"], ("10.20.0.0/16",)),
        ("10.40.0.5, 10.20.0.0/16, 10.40.0.6/32", ["10.40.0.5_3306"], ("10.20.0.0/16",)),
        ("10.40.0.5", ["10.40.0.5_3306"], None),
    ],
)
def test_addresses_may_be_ranges(addresses, plain, ranges):
    """Of them one chain of the listener for every address is told by its destinations, beside the listener of plain addresses."""
    entry = f"hosts: [db.example], addresses: [{addresses}], ports: [{{number: 3306, name: db, protocol: MySQL}}], resolution: NONE"
    listeners = compiled(NODE, istio("ServiceEntry", "db", entry)).snapshot.listeners
    assert plain == [name for name in listeners if name.endswith("_3306") and name != "0.0.0.0_3306"]
    shared = listeners.get("0.0.0.0_3306")
    found = None if shared is None else [(chain.match.prefix_ranges, chain.filter.cluster) for chain in shared.filter_chains]
    assert (None if ranges is None else [(ranges, "outbound|3306||db.example")]) == found

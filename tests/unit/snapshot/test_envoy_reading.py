"""Files of Envoy's, read whole: what meshd writes itself, what Istio computes, and what is wrong with others."""

import json
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.base.addresses import SocketAddress
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.envoy_bootstrap import bootstrap
from meshd.snapshot.envoy_json import to_json
from meshd.snapshot.envoy_reading import read_envoy
from meshd.snapshot.filter_chain import needs_identity
from meshd.snapshot.network_filter import HttpConnectionManager, TcpProxy
from meshd.snapshot.noted_json import Report, note
from meshd.snapshot.route import RouteAction
from meshd.snapshot.route_json import ROUTES
from meshd.snapshot.snapshot import NodeReference, Snapshot
from tests.helpers.golden import compile_world, golden_names, world_named
from tests.helpers.snapshots import route_configurations

WORLDS = Path(__file__).parents[4] / "shared" / "cases" / "worlds"
PLACE = {"socketAddress": {"address": "127.0.0.1", "portValue": 80}}
TCP = {"name": "envoy.filters.network.tcp_proxy", "typedConfig": {
    "@type": "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy", "cluster": "c"}}
LISTENER = {"name": "l", "address": PLACE, "filterChains": [{"filters": [TCP]}]}


def without_origins(value):
    """Give a value of the snapshot, or a tuple of them, without where it was compiled from, which no file of Envoy's says."""
    if isinstance(value, tuple):
        return tuple(map(without_origins, value))
    if not attrs.has(type(value)):
        return value
    changes = {field.name: () if field.name == "origins" else without_origins(getattr(value, field.name)) for field in attrs.fields(type(value))}
    return attrs.evolve(value, **changes)


def plain(part):
    """Give a part of a snapshot without origins."""
    return {name: without_origins(value) for name, value in part.items()}


def as_exported(snapshot: Snapshot) -> Snapshot:
    """
    Give what a bootstrap keeps of a snapshot.

    Routes stand within listeners, endpoints of discovery within static clusters; chains for mutual TLS beside plain text and secrets are left out,
    others for mutual TLS close, and of the node's addresses the first is kept. Nothing else changes.
    """
    clusters, endpoints = {}, {}
    for name, cluster in snapshot.clusters.items():
        found = snapshot.endpoints.get(cluster.service_name if cluster.type == "EDS" else name)
        if cluster.type == "EDS":
            cluster, found = attrs.evolve(cluster, type="STATIC", service_name=""), found or ClusterLoadAssignment(name)
        clusters[name] = cluster
        if found is not None:
            endpoints[name] = attrs.evolve(found, cluster_name=name)

    def inline(chain):
        if needs_identity(chain):
            return attrs.evolve(chain, filter=TcpProxy("BlackHoleCluster", "BlackHoleCluster"), tls=None)
        manager = chain.filter
        if not isinstance(manager, HttpConnectionManager) or manager.route_config is not None:
            return chain
        return attrs.evolve(chain, filter=attrs.evolve(manager, route_config_name="", route_config=snapshot.routes[manager.route_config_name]))

    listeners = {
        name: attrs.evolve(
            listener, filter_chains=tuple(map(inline, listener.filter_chains)), mutual_tls_chains=(),
            default_filter_chain=listener.default_filter_chain and inline(listener.default_filter_chain),
        )
        for name, listener in snapshot.listeners.items()
    }
    node = attrs.evolve(snapshot.node, addresses=snapshot.node.addresses[:1])
    return Snapshot(node, plain(listeners), {}, plain(clusters), plain(endpoints))


@pytest.mark.parametrize("name", golden_names())
def test_an_exported_bootstrap_is_read_as_it_was_compiled(name):
    """By the same tables; the differences are those that `as_exported` names."""
    snapshot = compile_world(world_named(name)).snapshot
    found = read_envoy(json.loads(json.dumps(bootstrap(snapshot))), "x.json")
    assert () == found.problems
    assert as_exported(snapshot) == found.snapshot
    assert SocketAddress("127.0.0.1", 15000) == found.admin


@pytest.mark.parametrize("name", golden_names())
def test_lists_are_read_as_they_were_compiled(name):
    """What `meshctl compile -o json` prints says the same, all of it; mutual TLS is told of."""
    snapshot = compile_world(world_named(name)).snapshot
    found = read_envoy(json.loads(json.dumps(to_json(snapshot))), "x.json")
    listeners = {
        name: attrs.evolve(listener, filter_chains=listener.filter_chains + listener.mutual_tls_chains, mutual_tls_chains=())
        for name, listener in snapshot.listeners.items()
    }
    expected = attrs.evolve(
        snapshot, listeners=plain(listeners), routes=plain(snapshot.routes), clusters=plain(snapshot.clusters),
        endpoints=plain(snapshot.endpoints), secrets={},
    )
    assert expected == found.snapshot
    assert {"those without close their connections"} >= {problem.hint for problem in found.problems}


def leads_somewhere(route):
    """Give a route that forwards to some cluster, if it forwards."""
    action = route.action
    lost = isinstance(action, RouteAction) and not action.cluster and not action.weighted_clusters
    return attrs.evolve(route, action=attrs.evolve(action, cluster="c0")) if lost else route


@given(route_configurations())
def test_random_routes_survive_the_way(routes):
    """Whatever they match: they are written as before, but for the case of headers' names."""
    hosts = tuple(attrs.evolve(host, routes=tuple(map(leads_somewhere, host.routes))) for host in routes.virtual_hosts)
    message = ROUTES.write(attrs.evolve(routes, virtual_hosts=hosts))
    found = note(json.loads(json.dumps(message)), "", Report("x.json"))
    assert json.dumps(message).lower() == json.dumps(ROUTES.write(ROUTES.read(found))).lower()
    assert [] == found.report.problems


@pytest.mark.parametrize("name", sorted(path.stem for path in WORLDS.glob("*.json")) or [pytest.param("", marks=pytest.mark.skip(f"no {WORLDS}"))])
def test_worlds_that_istio_computed_can_be_served(name):
    """As far as meshd has what they use: what is left out is told of, and nothing else is missing."""
    world = json.loads(WORLDS.joinpath(f"{name}.json").read_text())
    found = read_envoy(world, name)
    assert found.snapshot is not None
    left_out = [problem for problem in found.problems if problem.severity == "error"]
    for part in ("listeners", "clusters"):
        missing = len(world[part]) - len(getattr(found.snapshot, part))
        assert missing == sum(problem.hint.startswith(f"this {part[:-1]} is left out") for problem in left_out)
    assert [] == [str(problem) for problem in left_out if not any(
        reason in problem.message for reason in ("TLS", "rbac", "names are looked up for", "each name once"))]


def read(listeners=(), clusters=(), **others):
    """Read a bootstrap."""
    return read_envoy({"staticResources": {"listeners": list(listeners), "clusters": list(clusters)}, **others}, "x.json")


def test_a_small_bootstrap():
    """In snake case, without names, types or ids."""
    found = read_envoy(
        {"static_resources": {
            "listeners": [{"address": {"socket_address": {"address": "127.0.0.1", "port_value": 80}}, "filter_chains": [{"filters": [TCP]}]}],
            "clusters": [{"name": "c", "connect_timeout": "0.4s", "type": "STRICT_DNS", "load_assignment": {
                "cluster_name": "other", "endpoints": [{"lb_endpoints": [{"endpoint": {"address": PLACE}}]}]}}],
        }},
        "x.yaml",
    )
    snapshot = found.snapshot
    assert ((), None, NodeReference("")) == (found.problems, found.admin, snapshot.node)
    listener = snapshot.listeners["127.0.0.1:80"]
    assert (True, "UNSPECIFIED", 15.0) == (listener.bind_to_port, listener.direction, listener.listener_filters_timeout)
    assert {"c": Cluster("c", "STRICT_DNS", "ROUND_ROBIN", 0.4)} == snapshot.clusters
    assert ["127.0.0.1"] == [endpoint.address for place in snapshot.endpoints["c"].localities for endpoint in place.endpoints]


def test_endpoints_have_names_where_they_are_looked_up():
    """Clusters of the DNS types keep names and addresses, and how they are looked up; a static one keeps addresses alone."""
    def inline(*addresses):
        ends = [{"endpoint": {"address": {"socketAddress": {"address": address, "portValue": 80}}}} for address in addresses]
        return {"endpoints": [{"lbEndpoints": ends}]}

    rates = {"dnsRefreshRate": "30s", "respectDnsTtl": True, "dnsLookupFamily": "V4_ONLY", "dnsFailureRefreshRate": {"baseInterval": "1s"}}
    found = read(clusters=[
        {"name": "d", "type": "LOGICAL_DNS", "loadAssignment": inline("Db.test.", "10.0.0.1", "a b"), **rates},
        {"name": "s", "type": "STATIC", "loadAssignment": inline("db.test", "10.0.0.1")},
    ])
    cluster = found.snapshot.clusters["d"]
    assert ("V4_ONLY", 30.0, True) == (cluster.dns_lookup_family, cluster.dns_refresh_rate, cluster.respect_dns_ttl)
    addresses = {name: [end.address for place in found.snapshot.endpoints[name].localities for end in place.endpoints] for name in "ds"}
    assert {"d": ["Db.test.", "10.0.0.1"], "s": ["10.0.0.1"]} == addresses
    assert ["expected an IP address or a host name", "expected an IP address, found 'db.test'"] == [
        next(said for said in ("expected an IP address or a host name", "expected an IP address, found 'db.test'") if said in problem.message)
        for problem in found.problems
    ]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"id": "sidecar~10.0.0.1~web.shop~x"}, NodeReference("web", "shop", ("10.0.0.1",))), ({"id": "me"}, NodeReference("me")),
        ({"id": "sidecar~~web.a.shop"}, NodeReference("web.a", "shop")), ({"id": "a~b~c"}, NodeReference("c", "default", ("b",))),
        ({}, NodeReference("")), (None, NodeReference("")),
    ],
)
def test_the_node_is_named_in_its_id(node, expected):
    """As Istio writes it."""
    assert expected == read(node=node).snapshot.node


@pytest.mark.parametrize(
    ("listeners", "clusters", "said"),
    [
        ([{"name": "l"}], [], "x.json: staticResources.listeners[0].address: expected a value, found none; this listener is left out (l)"),
        ([{**LISTENER, "filterChains": []}], [], "x.json: staticResources.listeners[0]: expected filterChains or defaultFilterChain, found none; "
                                                 "this listener is left out (l)"),
        ([3], [], "x.json: expected a listener, found 3; this listener is left out"),
        ([{**LISTENER, "transparent": True}], [], "x.json: staticResources.listeners[0].transparent: expected False, found True; "
                                                  "this listener is left out (l)"),
        ([{**LISTENER, "address": {"socketAddress": {"address": "127.0.0.1", "portValue": 80, "protocol": "UDP"}}}], [],
         "x.json: staticResources.listeners[0].address.socketAddress.protocol: expected TCP, found 'UDP'; this listener is left out (l)"),
        ([], [{"name": "c", "transportSocket": {"name": "envoy.transport_sockets.tls", "typedConfig": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "commonTlsContext": {"tlsCertificateSdsSecretConfigs": [{"name": "default"}]}}}}],
         "x.json: staticResources.clusters[0].transportSocket: expected certificates in files: mutual TLS within the mesh comes with identity; meshd "
         "cannot serve this without it; this cluster is left out (c)"),
        ([], [{"name": "c"}, {"name": "c", "type": "EDS"}],
         "x.json: staticResources.clusters[1]: expected each cluster once, found c twice; this cluster is left out (c)"),
        ([], [{"name": "c", "type": "EDS"}],
         "x.json: staticResources.clusters[0]: expected endpoints called c, found none; it has no endpoints"),
        ([], [{"name": "c", "healthChecks": [{}]}],
         "x.json: staticResources.clusters[0].healthChecks: expected a field of Cluster that meshd knows; what it asks for is not done"),
    ],
)
def test_what_is_wrong_is_told_and_left_out(listeners, clusters, said):
    """With where it stands; the rest is served."""
    found = read(listeners, clusters)
    assert [said] == [str(problem) for problem in found.problems]
    assert found.snapshot is not None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "x.json: expected Envoy's bootstrap, found []"),
        ({}, "x.json: staticResources: expected listeners and clusters, found none; what a control plane brings is not in a file"),
        ({"kind": "Service"}, "x.json: staticResources: expected listeners and clusters, found none; what a control plane brings is not in a file"),
        ({"staticResources": {"listeners": 3}}, "x.json: staticResources.listeners: expected a list, found 3"),
        ({"staticResources": {}, "admin": {"address": {"pipe": {"path": "x"}}}},
         "x.json: admin.address.socketAddress.address: expected a value, found none"),
        ({"staticResources": {"listeners": [LISTENER, {**LISTENER, "name": "m"}]}}, "x.json: listener m: has the address of listener l"),
    ],
)
def test_what_can_not_be_served_at_all(content, said):
    """There is no snapshot then."""
    found = read_envoy(content, "x.json")
    assert (None, said) == (found.snapshot, str(found.problems[-1]))


def _paths(value, path=()):
    """Yield the paths of everything in JSON."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _paths(item, (*path, key))


WALK = json.dumps(bootstrap(compile_world(world_named("walk-server")).snapshot))
PATHS = list(_paths(json.loads(WALK)))
ODD = st.sampled_from((None, 0, -1, 2**70, 1.5, True, "", "x", "1", [], [None], [[]], {}, {"x": 1}, {"value": {}}, "\0", "9" * 30))


@given(st.sampled_from(PATHS[1:]), ODD)
def test_no_file_breaks_the_reader(path, odd):
    """Whatever stands where something else should: it is read, or told of."""
    content = json.loads(WALK)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = odd
    found = read_envoy(content, "x.json")
    assert found.snapshot is not None or any(problem.severity == "error" for problem in found.problems)


@given(st.sampled_from(PATHS), st.text(alphabet="abcXYZ_", min_size=9, max_size=12))
def test_no_field_is_ignored_in_silence(path, name):
    """Whatever message of a bootstrap it stands in, unless it is harmless there or all of the map is for telemetry."""
    content = json.loads(WALK)
    place = content
    for key in path:
        place = place[key]
    quiet = ("node", "layeredRuntime", "metadata", "metadata_exchange")
    if not isinstance(place, dict) or any(part in path for part in quiet) or path[-1:] in (("metadata",),):
        return
    place[name] = {"asked": 1}
    assert [] != [problem for problem in read_envoy(content, "x.json").problems if name in problem.field or name in problem.message]

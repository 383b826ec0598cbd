"""RateLimits in listeners and routes."""

import pytest

from meshd.snapshot.http_filter import LOCAL_RATE_LIMIT, LocalRateLimit
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.snapshot import chains_of
from tests.helpers.small_worlds import NODE, compiled, eps, istio, svc

WORLD = (
    NODE,
    svc("web", "{name: http, port: 80, targetPort: 8080}"),
    eps("web", "{name: http, port: 8080}", "{addresses: ['10.0.0.9']}"),
    svc("reviews", "{name: http, port: 80}", "10.9.0.2"),
    svc("ratings", "{name: http, port: 80}", "10.9.0.3"),
    istio("VirtualService", "reviews", "hosts: [reviews], http: [{name: slow, match: [{name: a, uri: {prefix: /a}}], route: [{destination: {host: "
          "reviews}}]}, {name: quick, route: [{destination: {host: reviews}}]}]"),
)


def limit(spec, name="web", namespace="default"):
    """Write a limit of five requests a minute."""
    return (f"{{apiVersion: meshd.io/v1, kind: RateLimit, metadata: {{name: {name}, namespace: {namespace}}}, "
            f"spec: {{requests: 5, per: minute, {spec}}}}}")


def places(*limits):
    """Give where limits stand, as texts, and the problems."""
    found = compiled(*WORLD, *limits)
    snapshot, told = found.snapshot, []
    for listener in snapshot.listeners.values():
        for chain in chains_of(listener):
            manager = chain.filter
            if isinstance(manager, HttpConnectionManager):
                told += [f"{listener.direction} {one.max_tokens}" for one in manager.http_filters if isinstance(one, LocalRateLimit)]
                told += hosts_of(manager.route_config) if manager.route_config else []
    return sorted(set(told)) + [line for config in snapshot.routes.values() for line in hosts_of(config)], [str(one) for one in found.problems]


def hosts_of(config):
    """Give the virtual hosts and routes of a configuration that have limits."""
    for host in config.virtual_hosts:
        yield from (f"{host.name} {one.max_tokens}" for one in host.filters)
        yield from (f"{host.name} {route.name} {one.max_tokens}" for route in host.routes for one in route.filters)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("burst: 9", ["INBOUND 9"]),
        ("direction: outbound", ["OUTBOUND 5"]),
        ("selector: {matchLabels: {app: self}}", ["INBOUND 5"]),
        ("selector: {matchLabels: {app: other}}", []),
        ("hosts: [web]", ["INBOUND 0", *(f"inbound|http|{port}|web.default.svc.cluster.local 5" for port in (0, 8080))]),
        ("direction: outbound, hosts: [reviews]", ["OUTBOUND 0", "reviews.default.svc.cluster.local:80 5"]),
        ("direction: outbound, hosts: ['*.svc.cluster.local']",
         ["OUTBOUND 0", "allow_any|*.svc.cluster.local 5", *(f"{name}.default.svc.cluster.local:80 5" for name in ("ratings", "reviews", "web"))]),
        ("direction: outbound, routes: [slow]", ["OUTBOUND 0", "reviews.default.svc.cluster.local:80 slow.a 5"]),
        ("direction: outbound, hosts: [reviews], routes: [quick]", ["OUTBOUND 0", "reviews.default.svc.cluster.local:80 quick 5"]),
    ],
)
def test_limits_stand_where_they_are_for(spec, expected):
    """Each narrow one in the virtual hosts or routes that it names; the filter by itself does nothing then."""
    found, problems = places(limit(spec))
    assert (sorted(expected), []) == (sorted({line for line in found if "passthrough" not in line.lower()}), problems)


def test_namespaces():
    """Of the machine's own and of the root namespace."""
    limits = [limit(f"burst: {burst}", "x", namespace) for burst, namespace in ((1, "default"), (2, "istio-system"), (3, "other"))]
    assert ["INBOUND 1", "INBOUND 2"] == places(*limits)[0]


def test_the_filter_stands_before_the_router():
    """Behind faults and CORS, with the limit's name and rate."""
    snapshot = compiled(*WORLD, limit("headers: true")).snapshot
    [*_, found, _router] = next(chain.filter for chain in chains_of(snapshot.listeners["virtualInbound"]) if hasattr(chain.filter, "http_filters")
                                ).http_filters
    [origin] = found.origins
    assert "RateLimit default/web" == origin.resource
    assert LocalRateLimit(
        f"{LOCAL_RATE_LIMIT}.default.web", "rate_limit.default.web", 5, 5, 60.0, 100.0, 100.0, tells_rate=True, origins=(origin,),
    ) == found


def test_a_host_that_only_a_wildcard_takes_gets_routes_of_its_own():
    """With the names by which a machine of the namespace knows it."""
    snapshot = compiled(*WORLD, limit("hosts: [web]")).snapshot
    chain = next(chain for chain in snapshot.listeners["virtualInbound"].filter_chains if getattr(chain.filter, "route_config", None)
                 and chain.filter.route_config.name == "inbound|8080||")
    [general, own] = chain.filter.route_config.virtual_hosts
    assert (("web.default.svc.cluster.local", "web", "web.default.svc", "web.default"), general.routes) == (own.domains, own.routes)


@pytest.mark.parametrize("spec", ["direction: outbound, routes: [none]", "routes: [none]"])
def test_tells_of_names_that_nothing_has(spec):
    """Nothing is limited, and the author hears of it."""
    _found, [problem] = places(limit(spec))
    assert "spec: expected hosts and routes that this machine has, found none of them; it limits nothing here" in problem


def test_without_limits_nothing_is_touched():
    """Not even copied."""
    assert [] == places()[0]


@pytest.mark.parametrize("direction", ["inbound", "outbound"])
def test_at_an_edge_proxy_requests_come_and_leave(direction):
    """So both directions are the same."""
    gateway = istio("Gateway", "edge", "selector: {app: self}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]")
    snapshot = compiled(NODE.replace("labels:", "gateway: true, labels:"), gateway, limit(f"direction: {direction}")).snapshot
    [listener] = snapshot.listeners.values()
    assert [5] == [one.max_tokens for chain in chains_of(listener) for one in chain.filter.http_filters if isinstance(one, LocalRateLimit)]

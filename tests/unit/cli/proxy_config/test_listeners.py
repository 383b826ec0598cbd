"""Rows of listeners, as istioctl writes them."""

from typing import Any

import pytest

from meshd.cli.proxy_config.filters import Filters
from meshd.cli.proxy_config.listeners import HTTP, TCP, describe_destination, describe_match, describe_route_match, rows, select, short_rows, type_of


def tcp(cluster: str) -> dict[str, Any]:
    """Give a TCP proxy to a cluster."""
    return {"name": TCP, "typedConfig": {"cluster": cluster}}


def http(**config: Any) -> dict[str, Any]:
    """Give an HTTP connection manager."""
    return {"name": HTTP, "typedConfig": config}


def listener(address: str, port: int, *chains: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Give a listener."""
    return {"name": f"{address}_{port}", "address": {"socketAddress": {"address": address, "portValue": port}}, "filterChains": list(chains), **more}


SNIFFED = {"transportProtocol": "raw_buffer", "applicationProtocols": ["http/1.1", "h2c"]}
WALK = listener(
    "10.104.15.140", 80, {"filterChainMatch": SNIFFED, "filters": [http(rds={"routeConfigName": "my-nginx:80"})]},
    defaultFilterChain={"filters": [tcp("outbound|80||my-nginx")]},
)
ROUTES = {"name": "x", "virtualHosts": [{"domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "inbound|80||"}}]}]}


def test_the_two_rows_of_a_sniffed_service() -> None:
    """HTTP to its route, all else to its cluster."""
    assert [
        ("10.104.15.140", "80", "Trans: raw_buffer; App: http/1.1,h2c", "Route: my-nginx:80"),
        ("10.104.15.140", "80", "ALL", "Cluster: outbound|80||my-nginx"),
    ] == rows([WALK], Filters())
    assert [("10.104.15.140", "80", "HTTP+TCP")] == short_rows([WALK], Filters())


@pytest.mark.parametrize(("match", "expected"), [
    ({}, "ALL"),
    ({"serverNames": ["a.example", "*.b"]}, "SNI: a.example,*.b"),
    ({"transportProtocol": "tls", "applicationProtocols": ["istio-peer-exchange", "istio"]}, "Trans: tls; App: TCP TLS"),
    ({"applicationProtocols": ["http/1.0", "http/1.1", "h2c"]}, "App: HTTP"),
    ({"applicationProtocols": ["istio", "istio-http/1.0", "istio-http/1.1", "istio-h2"]}, "App: Istio HTTP Plain"),
    ({"applicationProtocols": ["http/1.0", "http/1.1", "h2c", "istio-http/1.0", "istio-http/1.1", "istio-h2"]}, "App: HTTP TLS"),
    ({"applicationProtocols": ["h2"]}, "App: h2"),
    ({"destinationPort": 80}, "Addr: *:80"),
    (
        {"prefixRanges": [{"addressPrefix": "10.0.0.0", "prefixLen": 8}, {"addressPrefix": "0.0.0.0"}], "destinationPort": 80},
        "Addr: 10.0.0.0/8,0.0.0.0/0:80",
    ),
    ({"prefixRanges": [{"addressPrefix": "::", "prefixLen": 0}], "transportProtocol": "tls"}, "Trans: tls; Addr: ::/0"),
])
def test_matches(match: dict[str, Any], expected: str) -> None:
    """In istioctl's order and words."""
    assert expected == describe_match({"filterChainMatch": match})


@pytest.mark.parametrize(("filters", "expected"), [
    ([http(rds={"routeConfigName": "80"})], "Route: 80"),
    ([http()], "HTTP"),
    ([tcp("outbound|80||x")], "Cluster: outbound|80||x"),
    ([tcp("PassthroughCluster")], "PassthroughCluster"),
    ([tcp("BlackHoleCluster")], "Non-HTTP/Non-TCP"),
    ([], "Non-HTTP/Non-TCP"),
    ([{"name": "other"}, tcp("x")], "Cluster: x"),
    ([{"name": TCP, "typedConfig": {"weightedClusters": {"clusters": [{"name": "a", "weight": 3}, {"name": "b"}]}}}], "Weighted: a (3), b (0)"),
    ([http(routeConfig=ROUTES)], "Cluster: inbound|80||"),
    (
        [http(routeConfig={"virtualHosts": [{"domains": ["a", "b"], "routes": [{"match": {"path": "/x"}}, {"match": {"prefix": "/y"}}]}]})],
        "Inline Route: a/b /x, /y*",
    ),
    ([http(routeConfig={"virtualHosts": [{"domains": ["*"], "routes": [{"match": {"prefix": "/healthz/ready"}}]}, {"domains": ["c"]}]})],
     "Inline Route: /healthz/ready*; c "),
])
def test_destinations(filters: list[dict[str, Any]], expected: str) -> None:
    """An inline route that sends all to one cluster is that cluster."""
    assert expected == describe_destination({"filters": filters})


@pytest.mark.parametrize(("match", "expected"), [
    ({"prefix": "/"}, "/*"),
    ({"path": "/a"}, "/a"),
    ({"pathSeparatedPrefix": "/a"}, "PathPrefix:/a"),
    ({"safeRegex": {"regex": "/a.*"}}, "regex /a.*"),
    ({}, ""),
])
def test_route_matches(match: dict[str, Any], expected: str) -> None:
    """By path alone."""
    assert expected == describe_route_match(match)


DUMP = {"listeners": [
    listener("0.0.0.0", 15006, {"filters": [tcp("BlackHoleCluster")]}), WALK, listener("10.0.0.9", 80, {"filters": [http()]}),
    listener("0.0.0.0", 80, {"filters": [tcp("x")]}, additionalAddresses=[{"address": {"socketAddress": {"address": "::", "portValue": 80}}}]),
]}


@pytest.mark.parametrize(("filters", "expected"), [
    (Filters(), ["0.0.0.0_80", "10.0.0.9_80", "10.104.15.140_80", "0.0.0.0_15006"]),
    (Filters(port=15006), ["0.0.0.0_15006"]),
    (Filters(address="10.104.15.140", port=80), ["10.104.15.140_80"]),
    (Filters(address="10.104.15.140", port=81), []),
    (Filters(address="::"), ["0.0.0.0_80"]),
    (Filters(kind="tcp"), ["0.0.0.0_80"]),
    (Filters(kind="HTTP+TCP"), ["10.104.15.140_80"]),
])
def test_select(filters: Filters, expected: list[str]) -> None:
    """By address, port and type; sorted by port, then address."""
    assert expected == [found["name"] for found in select(DUMP, filters)]


def test_further_addresses_are_shown() -> None:
    """Of one listener, joined."""
    assert "0.0.0.0,::" == rows(select(DUMP, Filters(address="::")), Filters())[0][0]


def test_type_of_a_black_hole() -> None:
    """Nothing is forwarded."""
    assert "UNKNOWN" == type_of(DUMP["listeners"][0])

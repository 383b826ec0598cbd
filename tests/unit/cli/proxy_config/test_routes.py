"""Rows of routes, as istioctl writes them."""

from typing import Any

import pytest

from meshd.cli.proxy_config.filters import Filters
from meshd.cli.proxy_config.listeners import HTTP
from meshd.cli.proxy_config.routes import describe_domains, rows, select, short_rows

NAMES = [
    "my-nginx.default.svc.cluster.local", "my-nginx.default.svc.cluster.local.",
    "my-nginx", "my-nginx.default.svc", "my-nginx.default", "10.104.15.140",
]


def routes(name: str, *hosts: dict[str, Any]) -> dict[str, Any]:
    """Give a route configuration."""
    return {"name": name, "virtualHosts": list(hosts)}


def host(name: str, domains: list[str], *clusters: str) -> dict[str, Any]:
    """Give a virtual host with a route to each cluster."""
    return {"name": name, "domains": domains, "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster}} for cluster in clusters]}


INLINE = {"name": HTTP, "typedConfig": {"routeConfig": routes("inbound|80||", host("in", ["*"], "inbound|80||"))}}
DUMP = {
    "routes": [
        routes("x:80", host("x", ["x"], "outbound|80||x")),
        routes("8080"),
        routes("80", host("nginx", NAMES, "c"), host("any", ["*"], "PassthroughCluster")),
    ],
    "listeners": [{"filterChains": [{"filters": [INLINE]}]}],
}


def test_rows() -> None:
    """A row for each route, but for those that only pass through."""
    assert [
        ("80", "nginx", "my-nginx, my-nginx.default + 1 more...", "/*", ""),
        ("inbound|80||", "in", "*", "/*", ""),
        ("x:80", "x", "x", "/*", ""),
    ] == rows(select(DUMP, Filters()), Filters())


def test_short_rows() -> None:
    """A row for each configuration, numbers first."""
    assert [("80", "2"), ("8080", "0"), ("inbound|80||", "1"), ("x:80", "1")] == short_rows(select(DUMP, Filters()), Filters())


def test_a_host_without_routes() -> None:
    """Answers 404."""
    assert [("80", "empty", "a", "/*", "404")] == rows([routes("80", host("empty", ["a"]))], Filters())


@pytest.mark.parametrize(("name", "expected"), [("80", ["80"]), ("inbound|80||", ["inbound|80||"]), ("8", [])])
def test_select(name: str, expected: list[str]) -> None:
    """By the whole name."""
    assert expected == [found["name"] for found in select(DUMP, Filters(name=name))]


@pytest.mark.parametrize(("domains", "expected"), [
    ([], ""), (["a:80"], "a:80"), (["a", "a:80"], "a"), (["a", "b"], "a, b"), (["a", "b", "*"], "a, b + 1 more..."),
    (["fd00::1", "[fd00::1]", "[fd00::1]:80"], "[fd00::1]"), (NAMES, "my-nginx, my-nginx.default + 1 more..."),
])
def test_domains(domains: list[str], expected: str) -> None:
    """The two that tell most."""
    assert expected == describe_domains(domains)

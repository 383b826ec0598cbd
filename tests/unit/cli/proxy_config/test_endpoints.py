"""Rows of endpoints, as istioctl writes them."""

from typing import Any

import pytest

from meshd.cli.proxy_config.endpoints import rows, select
from meshd.cli.proxy_config.filters import Filters


def endpoint(address: str, port: int, **more: Any) -> dict[str, Any]:
    """Give an endpoint."""
    return {"endpoint": {"address": {"socketAddress": {"address": address, "portValue": port}}}, **more}


DUMP = {
    "endpoints": [
        {
            "clusterName": "outbound|80||b",
            "endpoints": [{"lbEndpoints": [endpoint("10.0.0.9", 80), endpoint("10.0.0.2", 80, healthStatus="UNHEALTHY")]}],
        },
        {"clusterName": "outbound|80||a", "endpoints": [{"lbEndpoints": [endpoint("fd00::1", 80, healthStatus="HEALTHY")]}]},
        {"clusterName": "outbound|80||empty"},
    ],
    "clusters": [
        {"name": "local", "loadAssignment": {"clusterName": "local", "endpoints": [{"lbEndpoints": [endpoint("127.0.0.1", 15020)]}]}},
        {"name": "x"},
    ],
}


def test_rows() -> None:
    """Sorted by address; static clusters' endpoints too; without a word an endpoint is healthy."""
    assert [
        ("10.0.0.2:80", "UNHEALTHY", "OK", "outbound|80||b"),
        ("10.0.0.9:80", "HEALTHY", "OK", "outbound|80||b"),
        ("127.0.0.1:15020", "HEALTHY", "OK", "local"),
        ("[fd00::1]:80", "HEALTHY", "OK", "outbound|80||a"),
    ] == rows(select(DUMP, Filters()), Filters())


@pytest.mark.parametrize(("filters", "expected"), [
    (Filters(cluster="OUTBOUND|80||b"), ["10.0.0.2:80", "10.0.0.9:80"]),
    (Filters(address="10.0.0.9"), ["10.0.0.9:80"]),
    (Filters(address="FD00::1"), ["[fd00::1]:80"]),
    (Filters(port=15020), ["127.0.0.1:15020"]),
    (Filters(status="unhealthy"), ["10.0.0.2:80"]),
    (Filters(port=80, status="healthy"), ["10.0.0.9:80", "[fd00::1]:80"]),
    (Filters(address="10.0.0"), []),
])
def test_select(filters: Filters, expected: list[str]) -> None:
    """Endpoints are chosen one by one; what is left empty is not shown."""
    assert expected == [row[0] for row in rows(select(DUMP, filters), filters)]


def test_the_order_of_resources() -> None:
    """As clusters are sorted, for JSON."""
    assert ["outbound|80||a", "outbound|80||b", "local"] == [found["clusterName"] for found in select(DUMP, Filters())]


def test_shows_what_workers_found_out() -> None:
    """As `annotate` notes it."""
    failed = endpoint("10.0.0.1", 80, metadata={"filterMetadata": {"meshd": {"outlierCheck": "FAILED"}}})
    dump = {"endpoints": [{"clusterName": "c", "endpoints": [{"lbEndpoints": [failed]}]}]}
    assert [("10.0.0.1:80", "HEALTHY", "FAILED", "c")] == rows(select(dump, Filters()), Filters())


def test_unix_sockets_are_written_as_istioctl_does() -> None:
    """Without a port."""
    pipe = {"endpoint": {"address": {"pipe": {"path": "/run/a:b.sock"}}}}
    dump = {"endpoints": [{"clusterName": "c", "endpoints": [{"lbEndpoints": [pipe]}]}]}
    assert [("unix:///run/a:b.sock", "HEALTHY", "OK", "c")] == rows(select(dump, Filters()), Filters())

"""Names and metadata as istioctl reads them."""

import pytest

from meshd.cli.proxy_config.filters import cluster_order, describe_management, find, read_place, read_subset_key


@pytest.mark.parametrize(("name", "expected"), [
    ("outbound|80||my-nginx.default.svc.cluster.local", ("outbound", "", "my-nginx.default.svc.cluster.local", 80)),
    ("outbound|80|v1|reviews.default.svc.cluster.local", ("outbound", "v1", "reviews.default.svc.cluster.local", 80)),
    ("inbound|80||", ("inbound", "", "", 80)),
    ("outbound_.80_.v1_.x.default", ("", "", "outbound_.80_.v1_.x.default", 0)),
    ("PassthroughCluster", ("", "", "PassthroughCluster", 0)),
    ("outbound|x||y", ("outbound", "", "y", 0)),
    ("|||", ("", "", "", 0)),
])
def test_read_subset_key(name: str, expected: tuple[str, str, str, int]) -> None:
    """Four parts, or a host."""
    assert expected == read_subset_key(name)


def test_cluster_order() -> None:
    """Host, subset, port as a number, direction."""
    names = ["outbound|9||b", "outbound|80||a", "outbound|9||a", "outbound|9|v1|a", "inbound|80||", "Pass"]
    assert ["inbound|80||", "Pass", "outbound|9||a", "outbound|80||a", "outbound|9|v1|a", "outbound|9||b"] == sorted(names, key=cluster_order)


@pytest.mark.parametrize(("path", "expected"), [
    ("/apis/networking.istio.io/v1/namespaces/default/destination-rule/reviews", "reviews.default"), ("/short", "<unknown>"), (None, ""), (3, ""),
])
def test_describe_management(path: object, expected: str) -> None:
    """The resource behind a route or cluster."""
    assert expected == describe_management({"metadata": {"filterMetadata": {"istio": {"config": path}}}})


def test_find() -> None:
    """A path that ends early is nothing."""
    assert (1, None, None) == (find({"a": {"b": 1}}, "a", "b"), find({"a": 1}, "a", "b"), find(None, "a"))


def test_read_place() -> None:
    """A port of 0 may be left out."""
    assert ("10.0.0.1", 80) == read_place({"address": {"socketAddress": {"address": "10.0.0.1", "portValue": 80}}})
    assert ("0.0.0.0", 0) == read_place({"address": {"socketAddress": {"address": "0.0.0.0"}}})
    assert ("", 0) == read_place({"address": {"pipe": {"path": "/x"}}})

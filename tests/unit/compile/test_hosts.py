"""Hosts as Istio's networking API names them."""

import pytest

from meshd.compile.hosts import covering_wildcards, covers, most_specific, overlap, resolve_host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("reviews", "reviews.shop.svc.cluster.local"),
        ("Reviews", "reviews.shop.svc.cluster.local"),
        ("reviews.", "reviews.shop.svc.cluster.local"),
        ("reviews.bank", "reviews.bank"),
        ("WWW.Example.com", "www.example.com"),
        ("www.example.com.", "www.example.com"),
        ("*", "*"),
        ("*.example.com", "*.example.com"),
        ("fd00::1", "fd00::1"),
    ],
)
def test_a_name_without_a_dot_is_a_service_of_the_same_namespace(host, expected):
    """Only such a name is completed: `reviews.bank` is no service's name, as Istio warns."""
    assert expected == resolve_host(host, "shop", "cluster.local")


@pytest.mark.parametrize(
    ("one", "other", "forward", "backward"),
    [
        ("a.com", "a.com", True, True),
        ("a.com", "b.com", False, False),
        ("*", "a.com", True, False),
        ("*", "*.com", True, False),
        ("*.com", "a.com", True, False),
        ("*.com", "com", False, False),
        ("*.a.com", "*.com", False, True),
        ("*.a.com", "*.b.com", False, False),
    ],
)
def test_wildcards_cover_what_ends_as_they_do(one, other, forward, backward):
    """Two hosts overlap where either covers the other."""
    assert (forward, backward) == (covers(one, other), covers(other, one))
    assert (forward or backward, forward or backward) == (overlap(one, other), overlap(other, one))


@pytest.mark.parametrize(
    ("host", "patterns", "expected"),
    [
        ("a.b.com", [("*", 1), ("a.b.com", 2), ("*.b.com", 3)], 2),
        ("a.b.com", [("*", 1), ("*.com", 2), ("*.b.com", 3)], 3),
        ("*.b.com", [("*.com", 1), ("*.b.com", 2)], 2),
        ("*.b.com", [("a.b.com", 1), ("*.com", 2)], 2),
        ("a.b.com", [("b.com", 1), ("*.a.b.com", 2)], None),
        ("a.b.com", [], None),
        ("com", [("*.com", 1)], None),
        ("*", [("*", 1), ("*.com", 2)], 1),
    ],
)
def test_the_most_specific_pattern_counts(host, patterns, expected):
    """The same name, else the longest wildcard that covers it."""
    assert expected == most_specific(host, dict(patterns))


@pytest.mark.parametrize(("host", "expected"), [("a.b", ["*a.b", "*.b", "*b", "*"]), ("*.b", ["*.b", "*b", "*"]), ("*", ["*"])])
def test_wildcards_that_cover_a_host(host, expected):
    """The longest comes first, and each of them covers it."""
    assert expected == list(covering_wildcards(host))
    assert all(covers(pattern, host) for pattern in expected)

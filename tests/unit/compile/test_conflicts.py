"""Listeners that several services want."""

import pytest

from meshd.base.origins import Origin
from meshd.compile.conflicts import Entry, add_entry, kind_of
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.network_filter import TcpProxy

FIRST, SECOND = Origin("a.yaml", 1, "Service", "default", "a"), Origin("b.yaml", 1, "Service", "default", "b")
TCP, HTTP = FilterChainMatch(), FilterChainMatch(transport_protocol="raw_buffer", application_protocols=("http/1.1",))


def entry(owner, protocol, *matches):
    """Give what a service wants at one place."""
    chains = [FilterChain(owner.name, match, TcpProxy(owner.name, owner.name)) for match in matches]
    return Entry(("10.0.0.1",), 80, protocol, chains, [owner])


def both(first, second, shared):
    """Add two services' listeners, each with the chains of its protocol; on a shared address HTTP counts as `auto`."""
    matches = {"http": (HTTP,), "auto": (TCP, HTTP), "tcp": (TCP,)}
    entries, problems = {}, []
    for owner, protocol in ((FIRST, first), (SECOND, second)):
        kept = "auto" if shared and kind_of(protocol) == "http" else protocol
        problems += add_entry(entries, entry(owner, kept, *matches[kind_of(protocol)]), protocol)
    found = entries["10.0.0.1", 80]
    return found.protocol, [(chain.name, chain.match == HTTP) for chain in found.chains], len(problems)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("http", "http", ("auto", [("a", True)], 0)),
        ("http", "grpc", ("auto", [("a", True)], 0)),
        ("http", "tcp", ("auto", [("a", True), ("b", False)], 0)),
        ("http", "auto", ("auto", [("a", True)], 1)),
        ("tcp", "http", ("auto", [("a", False), ("b", True)], 0)),
        ("tcp", "tcp", ("tcp", [("a", False)], 1)),
        ("tcp", "auto", ("auto", [("a", False), ("b", True)], 1)),
        ("auto", "http", ("auto", [("a", False), ("a", True)], 0)),
        ("auto", "tcp", ("auto", [("a", False), ("a", True)], 1)),
        ("auto", "auto", ("auto", [("a", False), ("a", True)], 1)),
        ("mysql", "http", ("mysql", [("a", False)], 1)),
        ("mysql", "tcp", ("mysql", [("a", False)], 1)),
        ("mysql", "mysql", ("mysql", [("a", False)], 1)),
        ("http", "mongo", ("auto", [("a", True)], 1)),
        ("tcp", "mongo", ("tcp", [("a", False)], 1)),
    ],
)
def test_at_the_shared_address_the_first_stays(first, second, expected):
    """HTTP and TCP share it by first bytes; of two alike the older keeps it; MySQL and Mongo share with nobody."""
    assert expected == both(first, second, shared=True)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("http", "auto", ("auto", [("b", False), ("b", True)], 0)),
        ("http", "http", ("http", [("a", True)], 0)),
        ("http", "tcp", ("auto", [("a", True), ("b", False)], 0)),
    ],
)
def test_at_an_address_of_its_own_http_gives_way_to_what_tells_both(first, second, expected):
    """An undeclared port serves HTTP as well."""
    assert expected == both(first, second, shared=False)


def test_an_http_proxy_takes_the_place():
    """Istio makes its listener right away, whatever was there."""
    entries = {}
    add_entry(entries, entry(FIRST, "tcp", TCP), "tcp")
    assert [] == add_entry(entries, entry(SECOND, "http_proxy", TCP), "http_proxy")
    assert [SECOND] == entries["10.0.0.1", 80].origins


def test_the_loser_is_told_who_has_its_place():
    """As a warning: the rest of the service is used."""
    entries = {}
    add_entry(entries, entry(FIRST, "tcp", TCP), "tcp")
    (problem,) = add_entry(entries, entry(SECOND, "tcp", TCP), "tcp")
    assert ("warning", SECOND, "spec.ports") == (problem.severity, problem.origin, problem.field)
    assert "expected 10.0.0.1 port 80 for itself, found it taken by Service default/a; connections there go to the other" == problem.message


def test_a_service_does_not_contend_with_itself():
    """Two ports with one number are its author's affair."""
    entries = {}
    add_entry(entries, entry(FIRST, "tcp", TCP), "tcp")
    assert [] == add_entry(entries, entry(FIRST, "tcp", TCP), "tcp")


def test_matches_are_compared_without_regard_to_order():
    """The same names in another order are the same match."""
    entries = {}
    add_entry(entries, entry(FIRST, "tcp", FilterChainMatch(server_names=("a", "b"))), "tcp")
    add_entry(entries, entry(SECOND, "tcp", FilterChainMatch(server_names=("b", "a")), FilterChainMatch(server_names=("c",))), "tcp")
    assert ["a", "b"] == [chain.name for chain in entries["10.0.0.1", 80].chains]


def test_a_problem_names_a_few_of_many():
    """However many services are there."""
    entries, problems = {}, []
    for number in range(50):
        owner = Origin(f"{number}.yaml", 1, "Service", "default", f"s{number}")
        problems = add_entry(entries, entry(owner, "tcp", TCP), "tcp")
    assert "Service default/s0, Service default/s1, Service default/s2 and others; connections" in problems[0].message

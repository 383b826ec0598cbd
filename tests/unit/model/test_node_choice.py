"""Which Node a machine is."""

import pytest

from meshd.base.origins import Origin
from meshd.model.metadata import Metadata
from meshd.model.node import Node
from meshd.model.node_choice import choose_node, usable_addresses


def node(name: str, *addresses: str) -> Node:
    """Return a Node."""
    return Node(Metadata(name, Origin("nodes.yaml", 1, "Node", "", name)), addresses=addresses)


WEB, DB, EDGE = node("web-1", "10.0.0.1"), node("db-1.example.com", "10.0.0.2", "fd00::2"), node("edge")
ALL = [WEB, DB, EDGE]


@pytest.mark.parametrize(
    ("nodes", "wanted", "hostname", "addresses", "expected"),
    [
        (ALL, "web-1", "other", [], ("web-1", ("10.0.0.1",))),
        (ALL, "WEB-1", "other", [], ("web-1", ("10.0.0.1",))),
        (ALL, "10.0.0.2", "web-1", [], ("db-1.example.com", ("10.0.0.2", "fd00::2"))),
        (ALL, "FD00::0002", "web-1", [], ("db-1.example.com", ("10.0.0.2", "fd00::2"))),
        (ALL, "edge", "x", ["127.0.0.1", "10.0.0.9"], ("edge", ("10.0.0.9",))),
        (ALL, "", "web-1", ["10.0.0.2"], ("web-1", ("10.0.0.1",))),
        (ALL, "", "Web-1.example.com", [], ("web-1", ("10.0.0.1",))),
        (ALL, "", "db-1", [], ("db-1.example.com", ("10.0.0.2", "fd00::2"))),
        (ALL, "", "db-1.example.com", [], ("db-1.example.com", ("10.0.0.2", "fd00::2"))),
        (ALL, "", "x", ["127.0.0.1", "FD00::2"], ("db-1.example.com", ("10.0.0.2", "fd00::2"))),
        ([EDGE], "", "x", ["10.0.0.9"], ("edge", ("10.0.0.9",))),
        ([WEB], "", "x", ["10.0.0.9"], ("web-1", ("10.0.0.1",))),
        ([], "", "Host", ["127.0.0.1", "10.0.0.9", "::1", "fe80::1", "fd00::9"], ("host", ("10.0.0.9", "fd00::9"))),
        ([], "", "bad host!", [], ("localhost", ())),
        ([], "10.9.9.9", "host", ["10.0.0.9"], ("host", ("10.9.9.9",))),
    ],
)
def test_chooses(nodes, wanted, hostname, addresses, expected):
    """The wanted one, the one named like the host, the one with our address, the only one, or a default."""
    chosen, problems = choose_node(nodes, wanted, hostname, addresses)
    assert (expected, []) == ((chosen.metadata.name, chosen.addresses), problems)


@pytest.mark.parametrize(
    ("nodes", "wanted", "expected"),
    [
        (ALL, "web-2", "--node: expected the name or address of a Node, got web-2; there are db-1.example.com, edge, web-1; did you mean web-1?"),
        ([], "web-2", "--node: expected the name or address of a Node, got web-2; there is no Node"),
        (ALL, "10.9.9.9", "--node: expected the name or address of a Node, got 10.9.9.9, which no Node has"),
        (ALL, "", "nodes.yaml:1 (Node db-1.example.com): metadata.name: expected a Node named x or with an address of this machine, "
         "got db-1.example.com, edge, web-1; name one with --node, or rename it"),
    ],
)  # fmt: skip
def test_tells_why_it_cannot_choose(nodes, wanted, expected):
    """An error, and a default Node, so that traffic passes."""
    chosen, problems = choose_node(nodes, wanted, "x", ["10.0.0.9"])
    assert ([expected], ["error"]) == ([str(problem) for problem in problems], [problem.severity for problem in problems])
    assert "x" == chosen.metadata.name


def test_an_address_in_two_nodes_is_told_of():
    """The first by name is used, whatever the order."""
    twins = [node("b", "10.0.0.1"), node("a", "10.0.0.1")]
    for wanted, addresses in (("", ["10.0.0.1"]), ("10.0.0.1", [])):
        chosen, problems = choose_node(twins, wanted, "x", addresses)
        assert ("a", [("warning", "b")]) == (chosen.metadata.name, [(problem.severity, problem.origin.name) for problem in problems])


def test_a_host_name_beats_its_short_form():
    """`db.a` is not `db.b`."""
    nodes = [node("db"), node("db.b.example"), node("db.a.example")]
    assert ["db.a.example", "db"] == [choose_node(nodes, "", host, [])[0].metadata.name for host in ("db.a.example", "db")]
    assert ["db", "error"] == [choose_node(nodes[:2], "", "db.c.example", [])[0].metadata.name, choose_node(nodes[1:], "", "db", [])[1][0].severity]


def test_loopback_and_link_local_are_no_addresses_of_ours():
    """Every machine has them."""
    given = ["10.0.0.1", "::ffff:10.0.0.1", "127.0.0.1", "127.9.9.9", "::1", "fe80::1", "169.254.1.1", "0.0.0.0", "::", "x", "fe80::1%eth0"]
    assert ("10.0.0.1",) == usable_addresses(given)

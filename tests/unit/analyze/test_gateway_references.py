"""Tests of gateways that VirtualServices name."""

import pytest

from meshd.analyze.gateway_references import find_wrong_gateways
from tests.helpers.analysis import found
from tests.helpers.small_worlds import istio, to, virtual

SERVER = "{port: {number: 80, name: http, protocol: HTTP}, hosts: [%s]}"


def edge(hosts):
    """Write a Gateway in the namespace edge."""
    return istio("Gateway", "edge", f"servers: [{SERVER % hosts}]", namespace="edge")


def asked(hosts, gateway="edge/edge"):
    """Write a VirtualService of a gateway."""
    return virtual("web", f"hosts: [{hosts}], gateways: [mesh, {gateway}], http: [{{{to('web')}}}]")


def test_finds_gateways_that_are_not_there():
    """Such a gateway takes no host either, as Istio says in a second message."""
    assert [
        'IST0101 web 3 spec.gateways[1]: Referenced gateway not found: "edge"',
        "IST0132 web 3 spec.gateways[1]: one or more host [www.example.com] defined in VirtualService default/web not found in Gateway default/edge.",
    ] == found(find_wrong_gateways, edge("'*'"), asked("www.example.com", "edge"))


@pytest.mark.parametrize(
    ("hosts", "wanted", "taken"),
    [
        ("'*'", "www.example.com", True),
        ("'*.example.com'", "www.example.com", True),
        ("www.example.com", "www.example.com", True),
        ("'*.example.com'", "a.example.org, b.example.com", True),
        ("'*/www.example.com'", "www.example.com", True),
        ("default/www.example.com", "www.example.com", True),
        ("'./www.example.com'", "www.example.com", False),
        ("other/www.example.com", "www.example.com", False),
        ("www.example.org", "www.example.com", False),
    ],
)
def test_tells_whether_a_server_takes_a_host(hosts, wanted, taken):
    """Wildcards both ways, and namespaces before the slash."""
    assert taken == (not found(find_wrong_gateways, edge(hosts), asked(wanted)))

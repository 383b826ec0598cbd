"""Which VirtualServices stand for a server."""

import attrs
import pytest

from meshd.compile.gateway_rules import GatewayRules
from meshd.compile.gateway_servers import EdgeServer
from meshd.model.gateway import Server
from meshd.model.virtual_service import VirtualService
from tests.helpers.services import mesh, metadata


def edge(*hosts):
    """Give a server with hosts."""
    return EdgeServer("default/a", Server(80, "http", "HTTP", ()), hosts, "http.80", metadata("Gateway", "a").origin)


@pytest.mark.parametrize(
    ("servers", "hosts", "namespace", "expected"),
    [
        ([("*", "*")], ["a.example", "b.example"], "shop", ["a.example", "b.example"]),
        ([("*", "*.example")], ["a.example", "a.test"], "shop", ["a.example"]),
        ([("*", "a.example")], ["*.example"], "shop", ["a.example"]),
        ([("*", "a.example")], ["*"], "shop", ["a.example"]),
        ([("*", "*.example")], ["*.a.example"], "shop", ["*.a.example"]),
        ([("shop", "*")], ["a.example"], "shop", ["a.example"]),
        ([("bank", "*")], ["a.example"], "shop", []),
        ([("*", "a.example"), ("*", "*.example")], ["a.example"], "shop", ["a.example"]),
        ([("*", "a.example")], ["b.example"], "shop", []),
    ],
)
def test_shared_hosts_with_a_virtual_service(servers, hosts, namespace, expected):
    """The narrower of two; only VirtualServices of the server's namespace count."""
    virtual = VirtualService(metadata("VirtualService", "v", namespace), tuple(hosts), gateways=("default/a",))
    rules = GatewayRules([virtual], "default", mesh())
    assert ([(virtual, expected)] if expected else []) == rules.of(edge(*servers))
    assert [] == GatewayRules([attrs.evolve(virtual, gateways=("default/b",))], "default", mesh()).of(edge(*servers))


def test_they_come_in_the_order_in_which_they_count():
    """Private ones first, then those exported to the namespace, then public ones; each with its hosts in the server's order."""
    exports = {"public": ("*",), "private": (".",), "hidden": ("~",), "named": ("default",)}
    virtual = [
        VirtualService(metadata("VirtualService", name, "other" if name == "named" else "default"), ("b.test", "a.test"), gateways=("default/a",),
                       export_to=exported)
        for name, exported in exports.items()
    ]
    found = GatewayRules(virtual, "default", mesh()).of(edge(("*", "a.test"), ("*", "*.test")))
    assert [(name, ["a.test", "b.test"]) for name in ("private", "named", "public")] == [(one.metadata.name, hosts) for one, hosts in found]

"""What a sidecar is configured by, as meshd reads it."""

import attrs

from meshd.inject.documents import mesh_document, node_document
from meshd.inject.wishes import Wishes
from meshd.model.mesh import Mesh
from meshd.model.node import CaptureSettings, DnsSettings, Node
from tests.helpers.resources import complaints_of, resources_of
from tests.unit.inject.test_wishes import DEFAULT


def node_of(wishes: Wishes) -> Node:
    """Give the Node that meshd reads, without a complaint."""
    text = node_document("web", "shop", "web-account", {"app": "web"}, wishes)
    assert [] == complaints_of(text, "node.json")
    [found] = resources_of(text, "node.json")
    assert isinstance(found, Node)
    return found


def test_a_node_of_a_pod():
    """Who it is, and that its rules are applied by the init step; nothing is left out of capture as on a machine."""
    found = node_of(DEFAULT)
    capture = CaptureSettings(exclude_inbound_ports=(), exclude_outbound_cidrs=(), applied_by="init")
    expected = Node(
        found.metadata, "shop", "web-account", {"app": "web"}, source=("kubernetes",), workers=2, user="1337", capture=capture, dns=DnsSettings(True),
    )
    assert ("web", expected) == (found.metadata.name, found)


def test_capture_settings_are_the_nodes():
    """Of every name that annotations may lead to."""
    wished = {
        "inbound": False, "outbound": False, "includeInboundPorts": ["80"], "excludeInboundPorts": ["22"], "includeOutboundCidrs": ["10.0.0.0/8"],
        "includeOutboundPorts": ["443"], "excludeOutboundCidrs": ["10.1.0.0/16"], "excludeOutboundPorts": ["25"], "excludeInterfaces": ["eth1"],
    }
    expected = CaptureSettings(
        inbound=False, outbound=False, include_inbound_ports=("80",), exclude_inbound_ports=("22",), include_outbound_ports=("443",),
        exclude_outbound_ports=("25",), include_outbound_cidrs=("10.0.0.0/8",), exclude_outbound_cidrs=("10.1.0.0/16",),
        exclude_interfaces=("eth1",), applied_by="init",
    )
    assert expected == node_of(attrs.evolve(DEFAULT, capture=wished)).capture


def test_without_capture():
    """Neither connections nor questions come, and an edge has real ports."""
    plain, edge = (node_of(attrs.evolve(DEFAULT, captures=False, gateway=gateway)) for gateway in (False, True))
    assert (False, False, False) == (plain.capture.enabled, plain.dns.enabled, plain.gateway)
    assert (False, True) == (edge.capture.enabled, edge.gateway)


def test_a_mesh():
    """As given."""
    text = mesh_document({"accessLogFile": "/dev/stdout"})
    [found] = resources_of(text, "mesh.json")
    assert isinstance(found, Mesh)
    assert ("/dev/stdout", []) == (found.access_log_file, complaints_of(text, "mesh.json"))

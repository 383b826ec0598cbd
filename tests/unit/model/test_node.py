"""The Node's defaults, which are promises."""

from meshd.base.origins import Origin
from meshd.model.metadata import Metadata
from meshd.model.node import Debounce, Node, Ports


def test_defaults():
    """What a machine without settings does."""
    node = Node(Metadata("a", Origin("x")))
    assert (15001, 15006, 15000, 15021, 15053, 15090) == (
        node.ports.outbound, node.ports.inbound, node.ports.admin, node.ports.health, node.ports.dns, node.ports.prometheus,
    )  # fmt: skip
    assert (Ports(), Debounce(0.01, 0.2)) == (node.ports, node.debounce)
    assert (("22",), ("169.254.169.254/32",)) == (node.capture.exclude_inbound_ports, node.capture.exclude_outbound_cidrs)
    assert ("default", "default", ("directory",), 0, "127.0.0.1") == (
        node.namespace, node.service_account, node.source, node.workers, node.admin_address,
    )  # fmt: skip

"""Nodes whose settings and those of the mesh contradict each other."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import UNANSWERED_NAMES, UNDIVERTED_NAMES, Finding, finding
from meshd.compile.proxy_configs import proxy_settings
from meshd.model.node import Node
from meshd.model.proxy_config import DNS_CAPTURE, ProxyConfig


def find_unanswered_names(facts: Facts) -> Iterator[Finding]:
    """
    Find machines that Istio's variable gives addresses for names, which nobody tells their programs, since their Node says no.

    Edge proxies have no programs that ask.
    """
    if not facts.mesh.dns_capture and not any(config.dns_capture for config in facts.world.all(ProxyConfig)):
        return
    for node in facts.world.all(Node):
        if node.dns.enabled is False and not node.gateway and proxy_settings(facts.world, node).dns_capture:
            yield finding(node.metadata.origin, UNANSWERED_NAMES, DNS_CAPTURE, path=("spec",))


def find_undiverted_names(facts: Facts) -> Iterator[Finding]:
    """Find machines that should resolve names and divert no questions, since they capture nothing that leaves them."""
    for node in facts.world.all(Node):
        reason = (
            "it is an edge proxy, which captures nothing" if node.gateway
            else "its capture is off" if not node.capture.enabled
            else "it captures nothing outbound" if not node.capture.outbound
            else ""
        )
        if node.dns.enabled and not node.dns.mesh_only and reason:
            yield finding(node.metadata.origin, UNDIVERTED_NAMES, reason, path=("spec", "dns"))

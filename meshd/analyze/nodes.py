"""Nodes whose settings and those of the mesh contradict each other."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import UNANSWERED_NAMES, Finding, finding
from meshd.compile.proxy_configs import proxy_settings
from meshd.model.node import Node
from meshd.model.proxy_config import DNS_CAPTURE, ProxyConfig


def find_unanswered_names(facts: Facts) -> Iterator[Finding]:
    """
    Find machines that Istio's variable gives addresses for names, which nobody tells their programs: Istio's agent would, a Node has to say it.

    Edge proxies have no programs that ask.
    """
    if not facts.mesh.dns_capture and not any(config.dns_capture for config in facts.world.all(ProxyConfig)):
        return
    for node in facts.world.all(Node):
        if not node.dns.enabled and not node.gateway and proxy_settings(facts.world, node).dns_capture:
            yield finding(node.metadata.origin, UNANSWERED_NAMES, DNS_CAPTURE, path=("spec",))

"""Settings of the proxy itself for one machine: those of the mesh, then those of ProxyConfigs, the nearer ones first."""

from collections.abc import Iterator

import attrs

from meshd.base.labels import selects
from meshd.model.node import Node
from meshd.model.proxy_config import ProxyConfig
from meshd.model.world import World


@attrs.frozen
class ProxySettings:
    """
    What holds for a machine.

    Attributes:
        concurrency: Workers; 0: one a core; None: not said.
        dns_capture: Names are answered by the mesh, so ServiceEntries without addresses are given some.
    """

    concurrency: int | None
    dns_capture: bool


def proxy_settings(world: World, node: Node) -> ProxySettings:
    """
    Find the settings for a machine: each from the nearest resource that says it.

    Source:
        Istio pilot/pkg/model/proxy_config.go, EffectiveProxyConfig: the mesh, the root namespace, the machine's namespace, a selector that
        chooses it; the oldest of each counts.
    """
    nearest = list(_nearest(world, node))
    concurrency = next((found.concurrency for found in nearest if found.concurrency is not None), world.mesh.concurrency)
    dns_capture = next((found.dns_capture for found in nearest if found.dns_capture is not None), world.mesh.dns_capture)
    return ProxySettings(concurrency, dns_capture)


def settled(node: Node, world: World) -> Node:
    """Give a Node with what it leaves to the mesh: whether names are resolved (Istio's ISTIO_META_DNS_CAPTURE), which edge proxies never do by it."""
    if node.dns.enabled is not None:
        return node
    enabled = not node.gateway and proxy_settings(world, node).dns_capture
    return attrs.evolve(node, dns=attrs.evolve(node.dns, enabled=enabled))


def _nearest(world: World, node: Node) -> Iterator[ProxyConfig]:
    """Yield the ProxyConfigs that are for a machine, the nearest first."""
    configs = world.all(ProxyConfig)
    own = [found for found in configs if found.metadata.namespace == node.namespace]
    root = [found for found in configs if found.metadata.namespace == world.mesh.root_namespace]
    chosen = (found for found in own if found.selector and selects(found.selector, node.labels))
    levels = (chosen, (found for found in own if not found.selector), (found for found in root if not found.selector))
    for level in levels:
        yield from list(level)[:1]

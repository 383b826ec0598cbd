"""Who may connect to a machine: with mutual TLS, without it, or both, as its PeerAuthentications decide."""

from collections.abc import Mapping

import attrs

from meshd.base.labels import selects
from meshd.base.origins import Origin
from meshd.model.mesh import Mesh
from meshd.model.node import Node
from meshd.model.peer_authentication import PeerAuthentication, PeerMode
from meshd.model.world import World


@attrs.frozen
class PeerRule:
    """What is asked of those who connect, and the resources that decided it; none where nothing says it."""

    mode: PeerMode = "PERMISSIVE"
    origins: tuple[Origin, ...] = ()


@attrs.frozen
class PeerModes:
    """What is asked of those who connect to a machine: at every port, but for some that have a rule of their own, declared or not."""

    general: PeerRule = attrs.field(factory=PeerRule)
    ports: Mapping[int, PeerRule] = attrs.field(factory=dict)

    def of(self, port: int) -> PeerRule:
        """Give the rule of a port."""
        return self.ports.get(port, self.general)


PERMISSIVE = PeerModes()
"""Where nothing is said."""


def find_peer_modes(world: World, node: Node, mesh: Mesh) -> PeerModes:
    """
    Compose what the PeerAuthentications of a machine say: the mesh's, then its namespace's, then its own, the oldest of each.

    Those with a selector are for machines of their namespace; in the root namespace they are for nobody.

    Source:
        Istio pilot/pkg/security/authn, ComposePeerAuthentication.
    """
    general, ports = PeerRule(), dict[int, PeerRule]()
    for policy in _chosen(world, node, mesh):
        origins = (policy.metadata.origin,)
        if policy.mode is not None:
            general = PeerRule(policy.mode, origins)
        for number, mode in sorted(policy.ports.items()):
            ports[number] = PeerRule(mode, origins) if mode is not None else general
    return PeerModes(general, ports)


def _chosen(world: World, node: Node, mesh: Mesh) -> list[PeerAuthentication]:
    """Give the resources that count, the widest first."""
    levels: dict[int, PeerAuthentication] = {}
    for policy in world.all(PeerAuthentication):
        in_root = policy.metadata.namespace == mesh.root_namespace
        if not policy.selector and in_root:
            levels.setdefault(0, policy)
        elif policy.metadata.namespace == node.namespace and not in_root and selects(policy.selector, node.labels):
            levels.setdefault(2 if policy.selector else 1, policy)
    return [policy for _level, policy in sorted(levels.items(), key=lambda item: item[0])]

"""Which DestinationRule stands for a service, as Istio looks it up: the client's namespace, then the service's, then the root namespace."""

from collections.abc import Collection, Iterable

import attrs

from meshd.base.labels import selects
from meshd.base.origins import Origin
from meshd.compile.hosts import most_specific, resolve_host
from meshd.compile.services import MeshService
from meshd.compile.visibility import find_visibility
from meshd.model.destination_rule import DestinationRule, Subset
from meshd.model.mesh import Mesh
from meshd.model.node import Node
from meshd.model.traffic_policy import TrafficPolicy
from meshd.model.world import World


@attrs.frozen
class HostRule:
    """
    What the rules of one namespace say of one host, put together.

    Attributes:
        policy: The first one that has any.
        subsets: Of all rules; the first of equal names counts.
        origins: The rules.
        selector: Labels of the workloads that it is for; empty for all.
        namespace: Of the rules.
        exported: `exportTo` of the first rule, as it is written; for those with a selector their own namespace.
    """

    policy: TrafficPolicy | None
    subsets: tuple[Subset, ...]
    origins: tuple[Origin, ...]
    selector: tuple[tuple[str, str], ...] = ()
    namespace: str = ""
    exported: frozenset[str] = frozenset()


ByHost = dict[str, list[HostRule]]


class DestinationRules:
    """The rules that one machine sees, by namespace and host: those that hold in their own namespace, and those that others see."""

    def __init__(self, world: World, node: Node, mesh: Mesh) -> None:
        """Gather and merge them, oldest first."""
        self._node = node
        self._root = mesh.root_namespace
        self._default = mesh.default_traffic_policy
        self._default_origin = mesh.metadata.origin
        ordered = sorted(world.all(DestinationRule), key=lambda rule: (not rule.selector, rule.metadata.age_key))
        self._own: dict[str, ByHost] = {}
        self._exported: dict[str, ByHost] = {}
        for rule in ordered:
            exported = rule.export_to or mesh.default_destination_rule_export_to
            namespace, host = rule.metadata.namespace, resolve_host(rule.host, rule.metadata.namespace, mesh.domain_suffix)
            private = bool(rule.selector) or _is_private(exported, namespace)
            if private if namespace == self._root else private or not rule.export_to or {"*", ".", namespace} & set(exported):
                _merge(self._own.setdefault(namespace, {}).setdefault(host, []), rule)
            if not private and find_visibility(exported, namespace, node.namespace) is not None:
                _merge(self._exported.setdefault(namespace, {}).setdefault(host, []), rule)

    def find(self, service: MeshService) -> HostRule | None:
        """
        Return the rule for a service, or None: of the most specific host in the first namespace that has one, for this machine or for all.

        Source:
            Istio pilot/pkg/model/push_context.go, destinationRule: rules with a workloadSelector are for their own namespace; in the root
            namespace the private ones come first.
        """
        rule = self._choose(self._of_host(service))
        return rule if self._default is None else self._upon(self._default, rule)

    def _upon(self, base: TrafficPolicy, rule: HostRule | None) -> HostRule:
        """Lay a rule upon the mesh's policy, field by field; what the rule has for a port is laid upon nothing."""
        if rule is None:
            return HostRule(attrs.evolve(base, ports={}), (), (self._default_origin,))
        own = rule.policy or TrafficPolicy()
        said = {field.name: getattr(own, field.name) or getattr(base, field.name) for field in attrs.fields(TrafficPolicy)}
        return attrs.evolve(rule, policy=TrafficPolicy(**{**said, "ports": own.ports}), origins=(self._default_origin, *rule.origins))

    def _of_host(self, service: MeshService) -> list[HostRule]:
        own = self._node.namespace
        for rules, namespace in ((self._own, own), (self._exported, service.namespace), (self._exported, self._root)):
            found = most_specific(service.host, rules.get(namespace, {}))
            if found:
                return found
        return []

    def find_general(self, service: MeshService) -> HostRule | None:
        """
        Return the rule for connections that arrive for a service.

        Source:
            Istio pilot/pkg/model/sidecar.go, SidecarScope.DestinationRule: selectors count for what leaves a machine only.
        """
        return next((rule for rule in reversed(self._of_host(service)) if not rule.selector), None)

    def _choose(self, rules: Iterable[HostRule]) -> HostRule | None:
        """Choose among the rules of one host: one whose selector chooses this machine, else the last one for all."""
        general = None
        for rule in rules:
            if not rule.selector:
                general = rule
            elif selects(dict(rule.selector), self._node.labels):
                return rule
        return general


def _is_private(exported: Collection[str], namespace: str) -> bool:
    return set(exported) in ({"."}, {namespace})


def _merge(found: list[HostRule], rule: DestinationRule) -> None:
    """
    Put a rule to those of the same host; those for different workloads stay apart, and one for all belongs to each, too.

    Source:
        Istio pilot/pkg/model/destination_rule.go, mergeDestinationRule: rules that others see stay apart unless the later one is exported to
        wherever the earlier one is, by what is written.
    """
    selector = tuple(sorted(rule.selector.items()))
    exported = frozenset((".",) if selector else rule.export_to)
    joined = False
    for place, other in enumerate(found):
        visible = exported == other.exported or (bool(other.exported) and exported >= other.exported)
        if visible and (not selector or other.selector == selector):
            subsets = _unique((*other.subsets, *rule.subsets))
            found[place] = attrs.evolve(other, policy=other.policy or rule.policy, subsets=subsets, origins=(*other.origins, rule.metadata.origin))
            joined = joined or other.selector == selector
    if not joined:
        found.append(HostRule(rule.policy, _unique(rule.subsets), (rule.metadata.origin,), selector, rule.metadata.namespace, exported))


def _unique(subsets: Iterable[Subset]) -> tuple[Subset, ...]:
    """Leave out subsets whose name stands before."""
    found: dict[str, Subset] = {}
    for subset in subsets:
        found.setdefault(subset.name, subset)
    return tuple(found.values())

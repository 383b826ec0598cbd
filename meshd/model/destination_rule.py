"""Istio's DestinationRule: how connections to a host are made, and which subsets it has."""

from collections.abc import Mapping

import attrs

from meshd.model.checks import export_to, label_key, label_value, subset_name, wildcard_host
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields
from meshd.model.traffic_policy import TrafficPolicy
from meshd.model.traffic_policy_reading import read_traffic_policy


@attrs.frozen
class Subset:
    """Endpoints of a host that have all of some labels, and a policy of their own."""

    name: str
    labels: Mapping[str, str] = attrs.field(factory=dict)
    policy: TrafficPolicy | None = None


@attrs.frozen
class DestinationRule:
    """
    Istio's DestinationRule (networking.istio.io/v1).

    Attributes:
        metadata: Identity.
        host: As written; a short name is of the rule's namespace.
        policy: For all subsets.
        subsets: In order.
        export_to: Namespaces that see it; empty: the mesh's default.
        selector: Labels of the workloads that connect; empty for all.
    """

    metadata: Metadata
    host: str
    policy: TrafficPolicy | None = None
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] = ()
    selector: Mapping[str, str] = attrs.field(factory=dict)


def read_destination_rule(fields: Fields, metadata: Metadata) -> tuple[DestinationRule, ...]:
    """Read a DestinationRule."""
    spec = fields.mapping("spec")
    rule = DestinationRule(
        metadata,
        host=spec.text("host", check=wildcard_host, required=True),
        policy=spec.optional("trafficPolicy", read_traffic_policy),
        subsets=_read_subsets(spec),
        export_to=spec.texts("exportTo", check=export_to),
        selector=read_selector(spec, "workloadSelector"),
    )
    spec.finish()
    return (rule,)


def read_selector(spec: Fields, name: str) -> Mapping[str, str]:
    """Read a workload selector: `{matchLabels: {}}`, or `{labels: {}}` in some kinds."""
    selector = spec.mapping(name)
    found = {key: value for field in ("matchLabels", "labels") for key, value in _read_labels(selector, field).items()}
    selector.finish()
    return found


def _read_labels(selector: Fields, name: str) -> Mapping[str, str]:
    return selector.text_map(name, key=selector_key, value=label_value)


def selector_key(text: str) -> str:
    """Check a label's key in a selector."""
    return "a label without *" if "*" in text else label_key(text)


def _read_subsets(spec: Fields) -> tuple[Subset, ...]:
    found: dict[str, Subset] = {}
    for item in spec.items("subsets"):
        subset = Subset(
            item.text("name", check=subset_name, required=True),
            item.text_map("labels", key=label_key, value=label_value), item.optional("trafficPolicy", read_traffic_policy),
        )
        if subset.name in found and subset.name:
            item.wrong("name", f"expected each subset once, got {subset.name} twice")
        item.finish()
        found.setdefault(subset.name, subset)
    return tuple(found.values())

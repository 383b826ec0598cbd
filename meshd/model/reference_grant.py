"""ReferenceGrant of the Kubernetes Gateway API: who may refer to a namespace's services and secrets from other namespaces."""

import attrs

from meshd.model.checks import label_name, subdomain_name
from meshd.model.kube_references import at_most, read_group_kind
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields

MOST = 16


@attrs.frozen
class GrantFrom:
    """Who refers: resources of a kind in a namespace."""

    group: str
    kind: str
    namespace: str


@attrs.frozen
class GrantTo:
    """What is referred to in the grant's own namespace; an empty name is all of the kind."""

    group: str
    kind: str
    name: str = ""


@attrs.frozen
class ReferenceGrant:
    """ReferenceGrant (gateway.networking.k8s.io/v1beta1): each of `origins` may refer to each of `targets`."""

    metadata: Metadata
    origins: tuple[GrantFrom, ...] = ()
    targets: tuple[GrantTo, ...] = ()


def read_reference_grant(fields: Fields, metadata: Metadata) -> tuple[ReferenceGrant, ...]:
    """Read a ReferenceGrant."""
    spec = fields.mapping("spec")
    origins, targets = [], []
    for item in at_most(spec, "from", MOST, least=1):
        group, kind = _read_kind(item)
        origins.append(GrantFrom(group, kind, item.text("namespace", check=label_name, required=True)))
        item.finish()
    for item in at_most(spec, "to", MOST, least=1):
        group, kind = _read_kind(item)
        targets.append(GrantTo(group, kind, item.text("name", check=subdomain_name)))
        item.finish()
    spec.finish()
    return (ReferenceGrant(metadata, tuple(origins), tuple(targets)),)


def _read_kind(item: Fields) -> tuple[str, str]:
    """Read a group, which has to be there even where it is empty, and a kind."""
    if item.values.get("group") is None:
        item.wrong("group", "expected a group, or '' for that of Service and Secret, got nothing")
    if not item.values.get("kind"):
        item.wrong("kind", "expected a kind such as HTTPRoute, got nothing")
    return read_group_kind(item, "", "")

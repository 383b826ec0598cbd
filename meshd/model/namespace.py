"""Kubernetes Namespace: its labels."""

import attrs

from meshd.model.metadata import Metadata
from meshd.model.reading import Fields


@attrs.frozen
class Namespace:
    """A Kubernetes Namespace."""

    metadata: Metadata


def read_namespace(fields: Fields, metadata: Metadata) -> tuple[Namespace, ...]:
    """Read a Namespace; only its metadata counts."""
    fields.raw("spec")
    return (Namespace(metadata),)

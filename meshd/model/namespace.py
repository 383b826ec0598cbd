"""Kubernetes Namespace: its labels."""

import attrs

from meshd.model.metadata import Metadata


@attrs.frozen
class Namespace:
    """A Kubernetes Namespace."""

    metadata: Metadata

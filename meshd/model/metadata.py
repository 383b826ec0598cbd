"""What every resource has: a name, labels, and an origin."""

from collections.abc import Mapping

import attrs

from meshd.base.origins import Origin


@attrs.frozen
class Metadata:
    """
    A resource's identity.

    Attributes:
        name: Its name.
        namespace: Its namespace; empty for kinds without one.
        labels: Its labels.
        annotations: Its annotations.
        created: creationTimestamp as RFC 3339 text; empty from files, which sorts first, so that age falls back to names.
        origin: Where it came from.
    """

    name: str
    origin: Origin
    namespace: str = ""
    labels: Mapping[str, str] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    created: str = ""

    @property
    def age_key(self) -> tuple[str, str, str]:
        """Sort key, oldest first (Istio: creation time, then name, then namespace)."""
        return (self.created, self.name, self.namespace)

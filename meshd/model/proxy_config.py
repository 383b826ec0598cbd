"""Istio's ProxyConfig: settings of the proxy itself."""

from collections.abc import Mapping

import attrs

from meshd.model.destination_rule import read_selector
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields


@attrs.frozen
class ProxyConfig:
    """
    Istio's ProxyConfig (networking.istio.io/v1beta1).

    Attributes:
        metadata: Identity.
        selector: Labels of workloads; empty for all of the namespace, or of the mesh in its root namespace.
        concurrency: Workers; 0: one a core; None: not said.
    """

    metadata: Metadata
    selector: Mapping[str, str] = attrs.field(factory=dict)
    concurrency: int | None = None


def read_proxy_config(fields: Fields, metadata: Metadata) -> tuple[ProxyConfig, ...]:
    """Read a ProxyConfig; environment variables and images are for containers."""
    spec = fields.mapping("spec")
    config = ProxyConfig(metadata, read_selector(spec, "selector"), spec.maybe_number("concurrency", low=0, high=2**31 - 1))
    for name in ("environmentVariables", "image"):
        if name in spec:
            spec.wrong(name, f"{name} concerns containers and has no effect", severity="warning")
        spec.raw(name)
    spec.finish()
    return (config,)

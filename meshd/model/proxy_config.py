"""Istio's ProxyConfig: settings of the proxy itself."""

from collections.abc import Mapping

import attrs

from meshd.model.destination_rule import read_selector
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields

DNS_CAPTURE = "ISTIO_META_DNS_CAPTURE"
_TRUE = ("1", "t", "T", "true", "True", "TRUE")  # as Go reads them


@attrs.frozen
class ProxyConfig:
    """
    Istio's ProxyConfig (networking.istio.io/v1beta1).

    Attributes:
        metadata: Identity.
        selector: Labels of workloads; empty for all of the namespace, or of the mesh in its root namespace.
        concurrency: Workers; 0: one a core; None: not said.
        dns_capture: Names are answered by the mesh; None: not said.
    """

    metadata: Metadata
    selector: Mapping[str, str] = attrs.field(factory=dict)
    concurrency: int | None = None
    dns_capture: bool | None = None


def read_proxy_config(fields: Fields, metadata: Metadata) -> tuple[ProxyConfig, ...]:
    """Read a ProxyConfig; images, and environment variables but for one, are for containers."""
    spec = fields.mapping("spec")
    config = ProxyConfig(
        metadata, read_selector(spec, "selector"), spec.maybe_number("concurrency", low=0, high=2**31 - 1),
        read_dns_capture(spec.text_map("environmentVariables")),
    )
    variables = spec.values.get("environmentVariables")
    others = variables is not None and not (isinstance(variables, dict) and set(variables) == {DNS_CAPTURE})
    for name, idle in (("environmentVariables", others), ("image", "image" in spec)):
        if idle:
            spec.wrong(name, f"{name} concerns containers and has no effect", severity="warning")
        spec.raw(name)
    spec.finish()
    return (config,)


def read_dns_capture(variables: Mapping[str, str]) -> bool | None:
    """Read whether names are answered by the mesh from the settings of Istio's proxies; None where they do not say."""
    return variables[DNS_CAPTURE] in _TRUE if DNS_CAPTURE in variables else None

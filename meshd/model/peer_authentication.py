"""Istio's PeerAuthentication: whether those who connect to a workload need mutual TLS."""

from collections.abc import Mapping
from typing import Literal

import attrs

from meshd.model.destination_rule import read_selector
from meshd.model.metadata import Metadata
from meshd.model.paths import shown_key
from meshd.model.reading import MAX_PORT, Fields

PeerMode = Literal["DISABLE", "PERMISSIVE", "STRICT"]

_MODES: tuple[PeerMode | Literal["UNSET"], ...] = ("UNSET", "DISABLE", "PERMISSIVE", "STRICT")


@attrs.frozen
class PeerAuthentication:
    """
    Istio's PeerAuthentication (security.istio.io/v1).

    Attributes:
        metadata: Identity.
        selector: Labels of workloads; empty for all of the namespace, or of the mesh in its root namespace.
        mode: None: as the next wider resource says.
        ports: Modes of the workload's ports, which its services' target ports are; None: as the whole workload.
    """

    metadata: Metadata
    selector: Mapping[str, str] = attrs.field(factory=dict)
    mode: PeerMode | None = None
    ports: Mapping[int, PeerMode | None] = attrs.field(factory=dict)


def read_peer_authentication(fields: Fields, metadata: Metadata) -> tuple[PeerAuthentication, ...]:
    """Read a PeerAuthentication."""
    spec = fields.mapping("spec")
    found = PeerAuthentication(metadata, read_selector(spec, "selector"), _read_mode(spec.mapping("mtls")), _read_ports(spec))
    if spec.values.get("selector") == {}:
        spec.wrong("selector", "expected labels, got none", "it is for all of the namespace, as without a selector", "warning")
    if "portLevelMtls" in spec and not found.selector:
        spec.wrong("portLevelMtls", "expected a selector beside it, got none", "ports are a workload's, choose it by its labels")
    spec.finish()
    return (found,)


def _read_ports(spec: Fields) -> Mapping[int, PeerMode | None]:
    listed = spec.mapping("portLevelMtls")
    if spec.values.get("portLevelMtls") == {}:
        spec.wrong("portLevelMtls", "expected a port at least, got none")
    found: dict[int, PeerMode | None] = {}
    for key in listed.values:
        number = int(key) if key.isascii() and key.isdigit() and len(key) <= len(str(MAX_PORT)) else 0
        if not 0 < number <= MAX_PORT:
            listed.wrong(key, f"expected a port from 1 to {MAX_PORT}, got {shown_key(key)}")
        elif number in found:
            listed.wrong(key, f"expected each port once, got {number} twice")
        found[number] = _read_mode(listed.mapping(key))
    return found


def _read_mode(fields: Fields) -> PeerMode | None:
    mode = fields.choice("mode", _MODES, "UNSET")
    fields.finish()
    return None if mode == "UNSET" else mode

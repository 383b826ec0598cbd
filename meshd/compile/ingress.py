"""Own ports as they are declared: by a Sidecar's ingress listeners, else by services, with the limits of their connections."""

from collections.abc import Iterable, Mapping

import attrs

from meshd.compile.destination_rules import DestinationRules
from meshd.compile.inbound_ports import InboundPort
from meshd.compile.node import Proxy
from meshd.compile.protocols import Protocol, entry_protocol
from meshd.compile.targets import NO_POLICY, override
from meshd.model.sidecar import Ingress
from meshd.model.workload_entry import UNIX

_WITHIN_TLS: Mapping[Protocol, Protocol] = {"https": "http", "tls": "tcp"}


def declare_ports(ports: Iterable[InboundPort], rules: DestinationRules, proxy: Proxy) -> list[InboundPort]:
    """
    Give the own ports that connections are taken in for.

    A Sidecar with ingress listeners declares them all; a service whose port has the number of one lends it its names.

    Source:
        Istio pilot/pkg/networking/core/listener_inbound.go, buildInboundChainConfigs.
    """
    found = list(ports)
    sidecar = proxy.sidecar
    if sidecar is None or not sidecar.ingress:
        return [_limited(attrs.evolve(port, endpoint=_localhost(port, proxy)), None, rules, proxy) for port in found]
    declared = []
    for listener in sidecar.ingress:
        service = next((port for port in found if port.service_port == listener.port.number), None)
        base = service or InboundPort(listener.port.number, "auto", listener.port.number, (), ())
        port = attrs.evolve(
            base, number=listener.port.number, protocol=_protocol(listener), address=listener.bind, endpoint=_endpoint(listener, proxy),
            origins=(sidecar.metadata.origin, *base.origins), bound=listener.capture_mode == "NONE", shown=next(iter(proxy.node.addresses), ""),
            tls=listener.tls,
        )
        declared.append(_limited(port, listener, rules, proxy))
    return declared


def _protocol(listener: Ingress) -> Protocol:
    """Give what is spoken; where TLS is ended, within it."""
    declared = entry_protocol(listener.port.protocol)
    return _WITHIN_TLS.get(declared, declared) if listener.tls is not None else declared


def _localhost(port: InboundPort, proxy: Proxy) -> tuple[str, int] | None:
    """Give loopback where the mesh sends inbound traffic there."""
    if not proxy.mesh.inbound_to_localhost:
        return None
    return (proxy.loopback, port.number)


def _endpoint(listener: Ingress, proxy: Proxy) -> tuple[str, int] | None:
    """Give where a listener's connections go: loopback, the machine's own address (`0.0.0.0`), a UNIX socket, or where they meant to go."""
    if listener.default_endpoint.startswith(UNIX):
        return listener.default_endpoint.removeprefix(UNIX), 0
    host, _, port = listener.default_endpoint.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host:
        return None
    if host in ("0.0.0.0", "::"):
        host = next(iter(proxy.node.addresses), "127.0.0.1")
    elif host == "127.0.0.1":
        host = proxy.loopback
    return host, int(port)


def _limited(port: InboundPort, listener: Ingress | None, rules: DestinationRules, proxy: Proxy) -> InboundPort:
    """Limit a port as its ingress listener says, else the Sidecar, else its service's DestinationRule, which is told of in any case, as in Istio."""
    rule = rules.find_general(port.services[0]) if port.services else None
    own = listener.connection_pool if listener is not None else None
    pool = own or (proxy.sidecar.inbound_connection_pool if proxy.sidecar is not None else None)
    if rule is None:
        return attrs.evolve(port, connection_pool=pool)
    pool = pool or override(NO_POLICY, rule.policy, port.service_port).connection_pool
    return attrs.evolve(port, connection_pool=pool, origins=(*port.origins, *rule.origins))

"""What a machine's PeerAuthentications ask for that it cannot do, or that keeps other settings from their effect."""

from collections.abc import Iterable, Iterator

from meshd.base.errors import Problem
from meshd.compile.inbound_ports import InboundPort
from meshd.compile.node import Proxy

NO_IDENTITY = "no client can connect until machines have certificates of the mesh; PERMISSIVE takes plain text until then"


def peer_problems(ports: Iterable[InboundPort], proxy: Proxy) -> Iterator[Problem]:
    """
    Yield what is wrong: mutual TLS that nobody can speak yet, and TLS of ingress listeners that mutual TLS stands in the way of.

    Args:
        ports: Of the machine, as they are declared; an edge proxy has none, and its Gateways say what is asked of clients.
        proxy: The machine.
    """
    if proxy.node.gateway:
        return
    yield from _unserved("", "at ports without a mode of their own" if proxy.peers.ports else "at every port", proxy)
    yield from (problem for number in proxy.peers.ports for problem in _unserved(f"spec.portLevelMtls[{number}]", f"at port {number}", proxy, number))
    for port in ports:
        mode = proxy.peers.of(port.number).mode
        if port.tls is not None and mode != "DISABLE":
            message = f"expected a PeerAuthentication with mode DISABLE for port {port.number}, which ends TLS of its own, found mode {mode}"
            yield Problem(port.origins[0], message, "spec.ingress", "its TLS has no effect", "warning")


def _unserved(field: str, where: str, proxy: Proxy, number: int = 0) -> Iterator[Problem]:
    rule = proxy.peers.of(number)
    if rule.mode == "STRICT" and (not number or rule != proxy.peers.general):
        for origin in rule.origins:
            message = f"mutual TLS is asked for {where} of {proxy.node.metadata.name}, and is not served yet: connections are closed"
            yield Problem(origin, message, field or "spec.mtls.mode", NO_IDENTITY, "warning")

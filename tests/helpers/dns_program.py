"""
A name server and a client, run as programs in network namespaces: `serve ADDRESS` answers every question on port 53 by UDP and TCP until it is
ended, `ask SERVER NAME TYPE PROTOCOL` prints the answer's RCODE and records.
"""

import socket
import sys
from collections.abc import Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.names import common, dns, error, server

ELSEWHERE = "192.0.2.1"
"""What every name that begins with `ext` resolves to; others do not exist."""


class Everybody(common.ResolverBase):
    """Answers with one address."""

    def _lookup(self, name: bytes, cls: int, kind: int, timeout: Sequence[int] | None) -> "Deferred[Any]":
        if not name.lower().startswith(b"ext"):
            return fail(error.AuthoritativeDomainError(name))
        found = [dns.RRHeader(name, dns.A, dns.IN, 1, dns.Record_A(ELSEWHERE, 1))] if kind == dns.A else []
        return succeed((found, [], []))


def serve(address: str) -> None:
    """Answer until ended; says `ready` first."""
    factory = server.DNSServerFactory(authorities=[Everybody()])  # type: ignore[no-untyped-call]  # reason: twisted.names has few types
    turning: Any = reactor
    turning.listenUDP(53, dns.DNSDatagramProtocol(factory), address)
    turning.listenTCP(53, factory, interface=address)
    turning.callWhenRunning(lambda: print("ready", flush=True))
    turning.run()


def ask(place: str, name: str, kind: str, protocol: str) -> str:
    """Give an answer as `RCODE TYPE VALUE...`, or `timeout`."""
    message = dns.Message(id=4711, recDes=1)
    message.addQuery(name.encode(), dns.REV_TYPES[kind], dns.IN)
    asked = message.toStr()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM) as client:
        client.settimeout(5.0)
        try:
            client.connect((place, 53))
            client.sendall(asked if protocol == "udp" else len(asked).to_bytes(2, "big") + asked)
            got = client.recv(65535)
        except OSError as fault:
            return "timeout" if isinstance(fault, TimeoutError) else f"{fault.strerror}"
    answer = dns.Message()
    answer.fromStr(got if protocol == "udp" else got[2:])
    records = [f"{dns.QUERY_TYPES[found.type]} {_value(found.payload)}" for found in answer.answers]
    return " ".join([str(answer.rCode), *records])


def _value(payload: Any) -> str:
    return str(payload.dottedQuad()) if isinstance(payload, dns.Record_A) else str(getattr(payload, "name", payload))


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(sys.argv[2])
    else:
        print(ask(*sys.argv[2:]))

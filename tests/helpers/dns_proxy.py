"""A worker's DNS proxy with a name server behind it, and a client that asks it."""

import socket
from typing import Any, cast

from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock
from twisted.names import dns

from meshd.dns.resolv_conf import ResolvConf
from meshd.dns.server import NameServer
from meshd.ipc.commands import DNS_TCP, DNS_UDP
from meshd.snapshot.host_addresses import HostAddresses
from meshd.snapshot.snapshot import NodeReference, Snapshot
from meshd.telemetry.instruments import Instruments
from tests.helpers import name_server

WEB = HostAddresses("web.test", ("10.96.0.7",), internal=True)


class Rig:
    """A proxy with sockets of both kinds, and a name server behind it, in one reactor."""

    def __init__(self, resolv_conf: str) -> None:
        """Begin with one name; `resolv_conf`: path of the machine's."""
        self.upstream = name_server.NameServer()
        self.reactor: SelectReactor = self.upstream.reactor
        self.clock = Clock()
        self.instruments = Instruments()
        self.proxy = NameServer(self.reactor, self.clock.callLater, ResolvConf(resolv_conf), self.instruments, self.upstream.place[1])
        *_, table = self.proxy.build(Snapshot(NodeReference("n", name_servers=("127.0.0.1",)), hosts={WEB.name: WEB}))
        assert table is not None
        self.proxy.use(table)
        udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        udp.bind(("127.0.0.1", 0))
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        self.places = {DNS_UDP: udp.getsockname(), DNS_TCP: tcp.getsockname()}
        self.proxy.listen(DNS_UDP, udp)
        self.proxy.listen(DNS_TCP, tcp)

    def exchange(self, *messages: bytes, name: str = DNS_UDP, answers: int | None = None) -> list[bytes]:
        """Send messages, and give as many answers as there are messages, or as are expected."""
        wanted = len(messages) if answers is None else answers
        kind = socket.SOCK_DGRAM if name == DNS_UDP else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET, kind) as client:
            client.connect(self.places[name])
            for message in messages:
                client.sendall(message if name == DNS_UDP else len(message).to_bytes(2, "big") + message)
            client.setblocking(False)
            got: list[bytes] = []
            stream = b""

            def receive() -> bool:
                nonlocal stream
                try:
                    data = client.recv(65535)
                except BlockingIOError:
                    return len(got) >= wanted
                if name == DNS_UDP:
                    got.append(data)
                stream += data
                while name == DNS_TCP and len(stream) >= 2 and len(stream) >= 2 + int.from_bytes(stream[:2], "big"):
                    size = int.from_bytes(stream[:2], "big")
                    got.append(stream[2:2 + size])
                    stream = stream[2 + size:]
                return len(got) >= wanted

            self.upstream.turn_until(receive)
            return got

    def close(self) -> None:
        """Close everything."""
        self.proxy.stop()
        self.upstream.close()


def text_of(answer: bytes) -> str:
    """Give id, RCODE and addresses."""
    message = dns.Message()
    message.fromStr(answer)
    addresses = [cast(Any, one.payload).dottedQuad() for one in message.answers if one.type == dns.A]
    return " ".join([str(message.id), str(message.rCode), *addresses])

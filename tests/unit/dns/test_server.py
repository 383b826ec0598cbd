"""The DNS proxy of a worker, on sockets of loopback."""

import socket
from contextlib import suppress

import pytest
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock
from twisted.names import dns

from meshd.dns import datagrams, queries, streams
from meshd.dns.answers import Answers
from meshd.dns.resolv_conf import LOOK_INTERVAL, ResolvConf
from meshd.dns.server import NameServer
from meshd.ipc.commands import DNS_TCP, DNS_UDP
from meshd.snapshot.host_addresses import HostAddresses
from meshd.snapshot.snapshot import NodeReference, Snapshot
from tests.helpers import name_server
from tests.helpers.dns_messages import query
from tests.helpers.name_server import a

WEB = HostAddresses("web.test", ("10.96.0.7",), internal=True)


class Rig:
    """A proxy with sockets of both kinds, and a name server behind it, in one reactor."""

    def __init__(self, resolv_conf: str) -> None:
        """Begin with one name; `resolv_conf`: path of the machine's."""
        self.upstream = name_server.NameServer()
        self.reactor: SelectReactor = self.upstream.reactor
        self.clock = Clock()
        self.proxy = NameServer(self.reactor, self.clock.callLater, ResolvConf(resolv_conf), self.upstream.place[1])
        *_, table = self.proxy.build(Snapshot(NodeReference("n", name_servers=("127.0.0.1",)), hosts={WEB.name: WEB}))
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


@pytest.fixture(name="rig")
def _rig(tmp_path):
    """Give a rig."""
    made = Rig(str(tmp_path / "resolv.conf"))
    yield made
    made.close()


def has_ended(client: socket.socket) -> bool:
    """Tell whether a connection that does not wait has been ended by the other side."""
    try:
        return client.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def text_of(answer: bytes) -> str:
    """Give id, RCODE and addresses."""
    message = dns.Message()
    message.fromStr(answer)
    return " ".join([str(message.id), str(message.rCode), *(one.payload.dottedQuad() for one in message.answers if one.type == dns.A)])


@pytest.mark.parametrize("name", [DNS_UDP, DNS_TCP])
def test_answers_and_passes_on(rig, name):
    """In any order, each with its own id; the question as the client spelled it."""
    rig.upstream.answers["ext.test"] = [a("ext.test", "192.0.2.1")]
    got = rig.exchange(query("web.test", number=1), query("EXT.test", number=2), query("web.test", edns=1232, number=3), name=name)
    assert ["1 0 10.96.0.7", "2 0 192.0.2.1", "3 0 10.96.0.7"] == sorted(text_of(answer) for answer in got)
    assert any(b"\x03EXT" in answer for answer in got)


def test_what_is_no_query(rig):
    """Garbage and answers get none; another operation and a query that cannot be read are told so."""
    update = query("web.test")[:2] + b"\x28" + query("web.test")[3:]
    two = query("web.test")[:5] + b"\2" + query("web.test")[6:]
    response = query("web.test")[:2] + b"\x81" + query("web.test")[3:]
    got = rig.exchange(b"", b"x", response, update, two, query("web.test", number=9), answers=3)
    assert ["4660 4", "4660 1", "9 0 10.96.0.7"] == [text_of(answer) for answer in got]


def test_nobody_to_ask(rig):
    """SERVFAIL, with the question."""
    rig.upstream.failing = True
    assert "7 2" == text_of(rig.exchange(query("ext.test", number=7))[0])


def test_long_answers_are_cut_for_datagrams_only(rig):
    """As the client says what it takes; by TCP it gets all."""
    rig.upstream.answers["big.test"] = [a("big.test", f"10.0.{number // 256}.{number % 256}") for number in range(300)]
    short, longer = (rig.exchange(query("big.test", edns=edns))[0] for edns in (0, 1200))
    whole, = rig.exchange(query("big.test"), name=DNS_TCP)
    assert (True, True, 300) == (len(short) <= 512 and bool(short[2] & 2), 512 < len(longer) <= 1200, text_of(whole).count("10.0."))


def test_connections_are_bounded(rig, monkeypatch):
    """In number, in questions that wait, and in what they may say nothing."""
    monkeypatch.setattr(streams, "MAX_CONNECTIONS", 1)
    with socket.create_connection(rig.places[DNS_TCP]) as first, socket.create_connection(rig.places[DNS_TCP]) as second:
        second.setblocking(False)

        rig.upstream.turn_until(lambda: has_ended(second))
        rig.upstream.silent = True
        monkeypatch.setattr(streams, "MAX_PENDING", 2)
        for number in range(3):
            message = query(f"ext{number}.test")
            first.sendall(len(message).to_bytes(2, "big") + message)
        first.setblocking(False)
        rig.upstream.turn_until(lambda: has_ended(first))
        assert has_ended(second)


def test_who_takes_no_answers_is_asked_for_no_more(rig):
    """What waits for a client is bounded, however much it asks; it gets all of it in the end."""
    many = HostAddresses("many.test", tuple(f"10.1.{number // 256}.{number % 256}" for number in range(4000)))
    *_, table = rig.proxy.build(Snapshot(NodeReference("n"), hosts={many.name: many}))
    given = list[int]()
    find = table.find

    class Counting(Answers):
        def find(self, message, question, limit):
            answer = find(message, question, limit)
            given.append(len(answer))
            return answer

    rig.proxy.use(Counting())
    message = query("many.test")
    with socket.create_connection(rig.places[DNS_TCP]) as client:
        client.sendall((len(message).to_bytes(2, "big") + message) * 1000)
        client.setblocking(False)
        for _ in range(50):
            rig.reactor.iterate(0.001)
        assert 0 < len(given) < 500
        taken = 0

        def take() -> bool:
            nonlocal taken
            with suppress(BlockingIOError):
                taken += len(client.recv(1 << 20))
            return taken == 1000 * (2 + given[0])

        rig.upstream.turn_until(take)


def test_sockets_are_given_back(rig):
    """A control plane that attaches anew is told of them; they close one by one."""
    assert {DNS_UDP: 1, DNS_TCP: 1} == {name: len(sockets) for name, sockets in rig.proxy.listening().items()}
    rig.proxy.unlisten(DNS_UDP)
    rig.proxy.unlisten("absent")
    assert [DNS_TCP] == list(rig.proxy.listening())
    assert "1 0 10.96.0.7" == text_of(rig.exchange(query("web.test", number=1), name=DNS_TCP)[0])


def test_a_bug_in_one_answer_ends_nothing(rig, monkeypatch):
    """It is logged, and the next one is answered."""
    told = list[str]()
    monkeypatch.setattr(datagrams.log, "failure", lambda text: told.append(text))

    class Broken(Answers):
        def orders(self, question):
            raise ZeroDivisionError

    rig.proxy.use(Broken())
    rig.exchange(query("web.test"), answers=0)
    rig.upstream.turn_until(lambda: told)
    *_, table = rig.proxy.build(Snapshot(NodeReference("n"), hosts={WEB.name: WEB}))
    rig.proxy.use(table)
    assert "1 0 10.96.0.7" == text_of(rig.exchange(query("web.test", number=1))[0])


def test_search_domains_are_followed(rig, tmp_path):
    """As soon as the machine completes names with another one."""
    assert "1 3" == text_of(rig.exchange(query("web.test.corp.test", number=1))[0])
    (tmp_path / "resolv.conf").write_text("search corp.test\n")
    rig.clock.advance(LOOK_INTERVAL)
    assert "2 0 10.96.0.7" == text_of(rig.exchange(query("web.test.corp.test", number=2))[0])
    (tmp_path / "resolv.conf").unlink()
    rig.clock.advance(LOOK_INTERVAL)
    assert "3 3" == text_of(rig.exchange(query("web.test.corp.test", number=3))[0])


def test_answers_take_turns(rig):
    """The first record is another one each time, where there are few and where there are many; queries that differ have turns of their own."""
    several = [HostAddresses(f"{name}.test", tuple(f"10.1.0.{number}" for number in range(count))) for name, count in (("few", 3), ("many", 20))]
    *_, table = rig.proxy.build(Snapshot(NodeReference("n"), hosts={host.name: host for host in several}))
    rig.proxy.use(table)
    for name, count in (("few.test", 3), ("many.test", 20)):
        first = [text_of(rig.exchange(query(name, number=number))[0]).split()[:3] for number in range(count + 1)]
        assert [[str(number), "0", f"10.1.0.{number % count}"] for number in range(count + 1)] == first


def test_what_is_at_hand_is_bounded(rig, monkeypatch):
    """However differently a name is spelled."""
    monkeypatch.setattr(queries, "MAX_PREPARED", 2)
    for number, name in enumerate(("web.test", "WEB.test", "wEb.test", "weB.test", "WEB.test")):
        answer, = rig.exchange(query(name, number=number))
        assert (f"{number} 0 10.96.0.7", True) == (text_of(answer), name.split(".")[0].encode() in answer)

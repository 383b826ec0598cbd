"""The DNS proxy of a worker, on sockets of loopback."""

import socket
import time
from contextlib import suppress

import pytest

from meshd.dns import datagrams, forwarder
from meshd.dns.answers import Answers
from meshd.dns.message import record_places
from meshd.dns.resolv_conf import LOOK_INTERVAL
from meshd.ipc.commands import DNS_TCP, DNS_UDP
from meshd.snapshot.snapshot import NodeReference, Snapshot
from tests.helpers.dns_messages import query
from tests.helpers.dns_proxy import WEB, Rig, text_of
from tests.helpers.name_server import a


@pytest.fixture(name="rig")
def _rig(tmp_path):
    """Give a rig."""
    made = Rig(str(tmp_path / "resolv.conf"))
    yield made
    made.close()


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


def test_status_and_metrics(rig):
    """What was asked, who knew it, and which servers answer."""
    rig.upstream.answers["ext.test"] = [a("ext.test", "192.0.2.1")]
    for message in (query("web.test"), query("ext.test"), query("ext.test"), query("web.test")[:5] + b"\2" + query("web.test")[6:]):
        rig.exchange(message)
    rig.exchange(query("web.test"), name=DNS_TCP)
    expected = {"table": 2, "cache": 1, "server": 1, "nobody": 1}
    assert {"names": 2, "queries": expected, "kept": 1, "asking": 0, "servers": {"127.0.0.1": None}} == rig.proxy.status()
    assert expected == {values[0]: count for _, values, count in rig.instruments.take()}
    for name in (DNS_UDP, DNS_TCP):
        rig.proxy.unlisten(name)
    assert {} == rig.proxy.status()


@pytest.mark.parametrize("name", [DNS_UDP, DNS_TCP])
def test_names_of_the_mesh_only(rig, name):
    """Others are refused, so that whoever asked goes on to somebody else; nobody is asked."""
    *_, table = rig.proxy.build(Snapshot(NodeReference("n", mesh_names_only=True), hosts={WEB.name: WEB}))
    rig.proxy.use(table)
    got = rig.exchange(query("web.test", number=1), query("ext.test", number=2), name=name)
    assert (["1 0 10.96.0.7", "2 5"], []) == (sorted(text_of(answer) for answer in got), rig.upstream.asked)


def test_a_flood_of_others_names_holds_up_none_of_the_mesh(rig):
    """While the name server is silent: what waits is bounded, the rest is told so at once, and names of the mesh are answered as ever."""
    rig.upstream.silent = True
    flood = [query(f"x{number}.test", number=number) for number in range(forwarder.MAX_WAITING + 200)]
    for start in range(0, len(flood), 100):
        rig.exchange(*flood[start:start + 100], answers=0)
        rig.upstream.turn_until(lambda start=start: sum(rig.proxy.status()["queries"].values()) + rig.proxy.status()["asking"] >= start + 100)
    started = time.perf_counter()
    assert "9 0 10.96.0.7" == text_of(rig.exchange(query("web.test", number=9))[0])
    assert time.perf_counter() - started < 0.5
    assert (forwarder.MAX_WAITING, 200) == (rig.proxy.status()["asking"], rig.proxy.status()["queries"]["nobody"])


@pytest.mark.parametrize("answer", [
    b"", b"\xc0\x0c" * 30, b"\xc0\x0c\0\1\0\1\0\0\0\1\xff\xff", b"\xc0\x20\0\1\0\1\0\0\0\0\0\4\1\2\3\4",
    b"\x3f" * 200, b"\0\0\1\0\1\0\0\0\0\0\0" * 4000,
])
def test_what_servers_make_up(rig, answer):
    """Pointers that lead in circles, records that end nowhere, thousands of them: passed on whole and well-formed, or not at all."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as evil:
        evil.bind(("127.0.0.1", 0))
        rig.proxy._forwarder.port = evil.getsockname()[1]
        message = query("x.test", edns=65535)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(rig.places[DNS_UDP])
            client.send(message)
            evil.setblocking(False)
            asked = list[tuple[bytes, tuple[str, int]]]()

            def was_asked() -> bool:
                with suppress(BlockingIOError):
                    asked.append(evil.recvfrom(65535))
                return bool(asked)

            rig.upstream.turn_until(was_asked)
            number, place = asked[0][0][:2], asked[0][1]
            end = len(query("x.test"))
            for count in (1, 4000):
                evil.sendto(number + b"\x81\x80\0\1" + count.to_bytes(2, "big") + bytes(4) + message[12:end] + answer[:60_000], place)
            evil.sendto(number + b"\x81\x80\0\1\0\0\0\0\0\0" + message[12:end], place)
            client.setblocking(False)
            got = list[bytes]()

            def has_answer() -> bool:
                with suppress(BlockingIOError):
                    got.append(client.recv(65535))
                return bool(got)

            rig.upstream.turn_until(has_answer)
            assert (message[:2], message[12:end], True) == (got[0][:2], got[0][12:end], record_places(got[0]) is not None)

"""Questions that others answer, against a real server on loopback."""

import socket

import pytest
from twisted.names import dns

from meshd.dns import forwarder
from meshd.dns.forwarder import Forwarder, answers
from meshd.dns.message import read_question
from meshd.dns.source_ports import ports_apart
from meshd.worker.wire.wheel import Wheel
from tests.helpers.dns_messages import query
from tests.helpers.name_server import NameServer, a

HTTPS, HTTPS_IN_LOWER_CASE = 65, 97  # RFC 9460, and a type of nobody's


@pytest.fixture(name="server")
def _server():
    """Give a name server."""
    made = NameServer()
    yield made
    made.close()


@pytest.fixture(name="asker")
def _asker(server):
    """Give what asks it."""
    made = Forwarder(server.reactor, Wheel(server.reactor).after, lambda: [server.place[0]], server.place[1])
    yield made
    made.stop()


def ask(server, asker, *names: str, whole: bool = False) -> list[str]:
    """Ask at once, and give what the answers say."""
    got: list[bytes | None] = []
    for name in names:
        message = query(name)
        question = read_question(message)
        assert question is not None
        asker.ask(message, question, got.append, whole=whole)
    server.turn_until(lambda: len(got) == len(names))
    return [text_of(answer) for answer in got]


def text_of(answer: bytes | None) -> str:
    """Give RCODE and addresses, `tc` where it is cut, `-` for none."""
    if answer is None:
        return "-"
    message = dns.Message()
    message.fromStr(answer)
    return " ".join([str(message.rCode), *(["tc"] if message.trunc else []), *(str(one.payload.dottedQuad()) for one in message.answers)])


def test_asks_and_keeps(server, asker):
    """What is asked again while it is good is asked once; two that ask at the same time share one question."""
    server.answers["x.test"] = [a("x.test", "10.0.0.1")]
    assert ["0 10.0.0.1", "0 10.0.0.1"] == ask(server, asker, "x.test", "X.test")
    assert (["0 10.0.0.1"], 1) == (ask(server, asker, "x.test"), len(server.asked))
    assert ["3"] == ask(server, asker, "absent.test")


def test_whole_answers_come_by_tcp(server, asker):
    """A cut one, be it in the middle of a record, is passed on where a datagram is answered, and asked for again where a stream is."""
    server.answers["big.test"] = [a("big.test", f"10.0.{number // 256}.{number % 256}") for number in range(300)]
    server._udp.stopListening()
    server.reactor.iterate(0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as cutting:
        cutting.bind(server.place)
        cutting.settimeout(5.0)
        got: list[bytes | None] = []
        for whole in (False, True):
            message = query("big.test")
            question = read_question(message)
            assert question is not None
            asker.ask(message, question, got.append, whole=whole)
            asked, client = cutting.recvfrom(4096)
            cutting.sendto(asked[:2] + b"\x83\x80\0\1\0\2\0\0\0\0" + asked[12:] + b"\xc0\x0c\0\1\0", client)
        server.turn_until(lambda: len(got) == 2)
    assert (b"\x83", 300) == ((got[0] or b"")[2:3], text_of(got[1]).count("10.0."))


def test_a_failing_server_is_told_of(server, asker):
    """When all have refused; what was known before is better."""
    server.answers["x.test"] = [a("x.test", "10.0.0.1", 1)]
    ask(server, asker, "x.test")
    server.failing = True
    assert ["2"] == ask(server, asker, "y.test")


def test_the_next_server_is_asked(server):
    """One where nobody listens, or whose address cannot be connected to, holds up nothing."""
    server.answers["x.test"] = [a("x.test", "10.0.0.1")]
    asker = Forwarder(server.reactor, Wheel(server.reactor).after, lambda: ["::ffff:0:1%nowhere", "127.0.0.77", server.place[0]], server.place[1])
    assert ["0 10.0.0.1"] == ask(server, asker, "x.test")
    asker.stop()


def test_a_server_that_does_not_answer_is_asked_last(server):
    """Questions need not wait for it again."""
    server.answers["x.test"] = server.answers["y.test"] = [a("x.test", "10.0.0.1")]
    asker = Forwarder(server.reactor, Wheel(server.reactor).after, lambda: ["127.0.0.77", server.place[0]], server.place[1])
    ask(server, asker, "x.test")
    assert [server.place[0], "127.0.0.77"] == asker.health.order(asker.servers())
    ask(server, asker, "y.test")
    assert (True, None) == (asker.status()["servers"]["127.0.0.77"] is not None, asker.status()["servers"][server.place[0]])
    asker.stop()


def test_silence_ends(server, asker, monkeypatch):
    """After each server's time; then a stale answer is better than none."""
    monkeypatch.setattr(forwarder, "PATIENCE", 0.02)
    server.answers["x.test"] = [a("x.test", "10.0.0.1", 1)]
    ask(server, asker, "x.test")
    server.silent = True
    asker._cache._kept = {key: type(kept)(kept.message, kept.stored - 10.0, kept.lifetime, kept.places) for key, kept in asker._cache._kept.items()}
    assert ["-", "0 10.0.0.1"] == ask(server, asker, "y.test", "x.test")
    assert {} == asker._waiting


def test_without_servers_there_is_no_answer(server):
    """Nor where too many questions wait."""
    asker = Forwarder(server.reactor, Wheel(server.reactor).after, list)
    assert ["-"] == ask(server, asker, "x.test")


def test_questions_are_bounded(server, asker, monkeypatch):
    """Of all clients, and of those that wait for one answer."""
    monkeypatch.setattr(forwarder, "MAX_WAITING", 1)
    monkeypatch.setattr(forwarder, "MAX_CLIENTS", 1)
    server.silent = True
    got: list[bytes | None] = []
    for name in ("x.test", "x.test", "y.test"):
        message = query(name)
        question = read_question(message)
        assert question is not None
        asker.ask(message, question, got.append, whole=False)
    assert [None, None] == got


def test_only_answers_to_the_question_are_taken():
    """Another id, question, or shape, a query, or what is malformed is passed over: somebody else may have sent it."""
    asked = query("x.test")
    good = asked[:2] + b"\x81\x80" + asked[4:]
    bad = (
        b"\0\0" + good[2:], asked, good[:-1], good[:4] + b"\0\2" + good[6:], good[:12] + query("y.test")[12:], good[:6] + b"\0\1" + good[8:], b"",
        good[:12] + query("x.test", 28)[12:],
    )
    assert answers(good, asked, len(asked))
    assert answers(good[:12] + query("X.TEST")[12:], asked, len(asked))
    assert not any(answers(one, asked, len(asked)) for one in bad)
    service = query("x.test", HTTPS)
    assert not answers(service[:2] + b"\x81\x80" + query("x.test", HTTPS_IN_LOWER_CASE)[4:], service, len(service))


def test_types_have_no_case(server, asker):
    """What is kept or asked for one type is no answer for another, although its byte is the same letter in lower case."""
    server.answers["x.test"] = []
    got: list[bytes | None] = []
    for kind in (HTTPS, HTTPS_IN_LOWER_CASE):
        message = query("x.test", kind)
        question = read_question(message)
        assert question is not None
        asker.ask(message, question, got.append, whole=False)
    server.turn_until(lambda: len(got) == 2)
    assert [("x.test", HTTPS), ("x.test", HTTPS_IN_LOWER_CASE)] == sorted(server.asked)


def test_forged_answers_do_not_end_a_question(server, monkeypatch):
    """A wrong id comes first, the right answer after it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as fake:
        fake.bind(("127.0.0.1", 0))
        fake.settimeout(5.0)
        asker = Forwarder(server.reactor, Wheel(server.reactor).after, lambda: ["127.0.0.1"], fake.getsockname()[1])
        message, got = query("x.test"), list[bytes | None]()
        question = read_question(message)
        assert question is not None
        asker.ask(message, question, got.append, whole=False)
        asked, client = fake.recvfrom(4096)
        assert client[1] in ports_apart()
        wrong = bytes([asked[0] ^ 1]) + asked[1:2]
        for number in (wrong, asked[:2]):
            fake.sendto(number + b"\x81\x83" + asked[4:], client)
        server.turn_until(lambda: got)
    assert asked[:2] == (got[0] or b"")[:2]

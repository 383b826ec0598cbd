"""Queries of one socket, answered from what is at hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.dns import queries
from meshd.dns.answers import answers_of
from meshd.dns.counts import Counts
from meshd.dns.message import read_question, record_places
from meshd.dns.queries import Queries
from meshd.snapshot.host_addresses import HostAddresses
from tests.helpers.dns_messages import query

CLIENT = ("127.0.0.1", 5353)
HOSTS = (
    HostAddresses("web.test", ("10.96.0.7",), internal=True),
    HostAddresses("few.test", ("10.1.0.0", "10.1.0.1", "10.1.0.2"), internal=True),
    HostAddresses("many.test", tuple(f"10.1.0.{number}" for number in range(20)), internal=True),
)


class FakeSocket:
    """A socket that remembers what is sent from it."""

    def __init__(self):
        """Nothing yet."""
        self.sent, self.full = [], False

    def sendto(self, message, client):
        """Send."""
        if self.full:
            raise BlockingIOError
        self.sent.append((message, client))


class Rig:
    """Queries with a table of hosts, and who answers the others."""

    def __init__(self, *hosts):
        """Begin with nothing at hand."""
        *_, table = answers_of({host.name: host for host in hosts})
        self.table, self.socket, self.others = table, FakeSocket(), []
        self.counts = Counts()
        self.queries = Queries(self.socket, table, lambda *asked: self.others.append(asked), self.counts)

    def ask(self, message: bytes) -> bytes:
        """Give the answer to a query; empty where somebody else has to answer."""
        before = len(self.socket.sent)
        self.queries.take(message, CLIENT)
        return self.socket.sent[-1][0] if len(self.socket.sent) > before else b""


@pytest.fixture(name="rig")
def _rig():
    """Give a rig."""
    return Rig(*HOSTS)


@pytest.mark.parametrize("message", [
    query("web.test"), query("WeB.test", number=7), query("web.test", 28), query("web.test", edns=1232), query("web.test", 255),
    query("web.test", 16),
])
def test_answers_the_second_time_as_the_first(rig, message):
    """As the table does, with the id of the one who asks now."""
    other = b"\xab\xcd" + message[2:]
    first, second = rig.ask(message), rig.ask(other)
    assert (message[:2], b"\xab\xcd", 2, []) == (first[:2], second[:2], rig.counts.table, rig.others)
    assert first[2:] == second[2:]
    assert message[12:12 + 10] == second[12:12 + 10]


@pytest.mark.parametrize("message", [
    b"", b"x" * 5, query("absent.test"), query("web.test", cls=3), query("web.test")[:5] + b"\2" + query("web.test")[6:],
])
def test_others_are_somebody_elses(rig, message):
    """Who is told how to answer; the same query comes there again."""
    for _ in range(2):
        assert b"" == rig.ask(message)
    assert [message, message] == [asked[0] for asked in rig.others]
    rig.others[0][2](b"answer")
    assert [(b"answer", CLIENT)] == rig.socket.sent


@pytest.mark.parametrize(("name", "count"), [("few.test", 3), ("many.test", 20)])
def test_records_take_turns(rig, name, count):
    """The first one is another each time, where all orders are at hand and where there are too many."""
    message = query(name)
    record = len(message) + 12
    if count > queries.MAX_ORDERS:
        for number in range(count + 1):
            rig.queries.take(message, CLIENT)
            asked, question, _send, limit = rig.others[-1]
            assert number % count == rig.table.find(asked, question, limit or question.limit)[record + 3]
    else:
        assert [0, 1, 2, 0] == [rig.ask(message)[record + 3] for _ in range(count + 1)]


def test_another_table(rig):
    """Nothing of the former one is at hand."""
    message = query("web.test")
    rig.ask(message)
    *_, table = answers_of({})
    rig.queries.use(table)
    assert b"" == rig.ask(message)


def test_what_is_at_hand_is_bounded(rig, monkeypatch):
    """However differently a name is spelled, and whatever stands beside it."""
    monkeypatch.setattr(queries, "MAX_PREPARED", 2500)
    for name in ("web.test", "WEB.test", "wEb.test", "weB.test", "WEB.test"):
        padded = query(name, edns=1232)[:-2] + (1000).to_bytes(2, "big") + bytes(1000)
        assert name.split(".", maxsplit=1)[0].encode() == rig.ask(padded)[13:16]
        assert len(rig.queries._prepared) <= 2


QUERIES = st.builds(
    query, st.sampled_from(["web.test", "few.test", "many.test", "absent.test", "x." * 120 + "test"]), st.integers(0, 65535),
    st.sampled_from([0, 1, 512, 65535]), st.integers(0, 65535), st.integers(0, 65535),
)


@given(QUERIES | st.binary(max_size=300), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4), st.integers(0, 300))
def test_whatever_comes(message, changes, cut_at):
    """Nothing is raised; an answer is one to that query, as long as its client takes, and the same whether it was at hand or not."""
    rig = Rig(*HOSTS)
    damaged = bytearray(message)
    for place, value in changes:
        if place < len(damaged):
            damaged[place] = value
    asked = bytes(damaged[:-cut_at] if cut_at % 3 == 0 and cut_at else damaged)
    first, second = rig.ask(asked), rig.ask(asked)
    assert bool(first) == bool(second)
    if first:
        question = read_question(asked)
        assert question is not None
        assert (asked[:2], True, asked[12:question.end]) == (first[:2], bool(first[2] & 0x80), first[12:question.end])
        assert (len(first), record_places(first) is not None) == (len(second), True)
        assert len(first) <= question.limit


def test_a_client_that_cannot_be_sent_to(rig):
    """Asks again."""
    rig.socket.full = True
    assert b"" == rig.ask(query("web.test"))
    rig.ask(query("absent.test"))
    rig.others[0][2](b"answer")
    rig.socket.full = False
    assert rig.ask(query("web.test"))

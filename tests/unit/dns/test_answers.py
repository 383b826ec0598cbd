"""Answers from the table."""

import pytest
from twisted.names import dns

from meshd.dns.answers import Answers, answers_of
from meshd.dns.message import AAAA, ANY, CNAME, PTR, SRV, A, read_question
from meshd.snapshot.host_addresses import HostAddresses, HostPort
from tests.helpers.dns_messages import query

TXT = 16
HOSTS = (
    HostAddresses("web.default.svc.cluster.local", ("10.96.0.7",), ("web", "web.default"), (HostPort("http", "tcp", 80),), internal=True),
    HostAddresses("db.default.svc.cluster.local", tuple(f"10.1.0.{number}" for number in range(1, 4)), internal=True),
    HostAddresses("api.example.com", ("240.240.0.5", "2001:2::5")),
    HostAddresses("*.wild.test", ("10.9.0.1",)),
    HostAddresses("*.deep.wild.test", ("10.9.0.2",)),
    HostAddresses("exact.deep.wild.test", ("10.9.0.3",)),
    HostAddresses("many.test", tuple(f"10.2.{number // 200}.{number % 200}" for number in range(100))),
    HostAddresses("not a name", ("10.9.0.9",)),
)


@pytest.fixture(name="table", scope="module")
def _table():
    """Give the table of the hosts."""
    *_, table = answers_of({host.name: host for host in HOSTS})
    table.complete(("default.svc.cluster.local", "cluster.local"))
    return table


def ask(table: Answers, name: str, kind: int = A, edns: int = 0) -> str:
    """Give the answer as text: flags, then records; `-` where somebody else is to be asked."""
    message = query(name, kind, edns)
    question = read_question(message)
    assert question is not None
    found = table.find(message, question, question.limit)
    if found is None:
        return "-"
    assert len(found) <= question.limit
    answer = dns.Message()
    answer.fromStr(found)
    records = [f"{dns.QUERY_TYPES.get(one.type, one.type)} {value(one.payload)}" for one in answer.answers]
    return " ".join([str(answer.rCode) + ("+tc" if answer.trunc else ""), *records])


def value(payload) -> str:
    """Give a record's value."""
    for name in ("dottedQuad", "target", "name"):
        found = getattr(payload, name, None)
        if found is not None:
            return str(found() if callable(found) else found)
    return str(payload)


@pytest.mark.parametrize(("name", "kind", "expected"), [
    ("web", A, "0 A 10.96.0.7"), ("WEB.Default", A, "0 A 10.96.0.7"), ("web.default.svc.cluster.local", A, "0 A 10.96.0.7"),
    ("web", AAAA, "0"), ("web", TXT, "0"), ("absent", A, "-"), ("web.other", A, "-"),
    ("api.example.com", A, "0 A 240.240.0.5"), ("api.example.com", TXT, "-"),
    ("a.wild.test", A, "0 A 10.9.0.1"), ("a.b.wild.test", A, "0 A 10.9.0.1"), ("a.deep.wild.test", A, "0 A 10.9.0.2"),
    ("exact.deep.wild.test", A, "0 A 10.9.0.3"), ("wild.test", A, "-"),
    ("api.example.com.default.svc.cluster.local", A, "0 CNAME api.example.com A 240.240.0.5"), ("api.example.com.cluster.local", A, "-"),
    ("x.default.svc.cluster.local", A, "-"),
    ("_http._tcp.web.default.svc.cluster.local", SRV, "0 SRV web.default.svc.cluster.local"),
    ("_http._tcp.web", SRV, "0 SRV web.default.svc.cluster.local"),
    ("_http._udp.web", SRV, "-"), ("7.0.96.10.in-addr.arpa", PTR, "0 PTR web.default.svc.cluster.local"), ("8.0.96.10.in-addr.arpa", PTR, "-"),
    ("1.0.9.10.in-addr.arpa", PTR, "-"),
])
def test_answers(table, name, kind, expected):
    """Any spelling; an internal name has no records that others would know of; wildcards by the longest; names completed with a search domain."""
    assert expected == ask(table, name, kind)


def test_a_search_domain_within_a_label(table):
    """Labels hold any bytes: what only looks like the end of a name is none."""
    message = query("web.test")
    for ending in table._search:
        label = b"a" + ending[:-1]
        inner = bytes([len(label)]) + label + b"\0"
        for name in (inner, b"\3web" + inner, ending):
            message = message[:12] + name + message[-4:]
            question = read_question(message)
            assert question is not None
            assert None is table.find(message, question, 512)


def test_any_amplifies_nothing(table):
    """RFC 8482, for names that are known and for others."""
    assert ["0 HINFO"] * 2 == [ask(table, name, ANY)[:7] for name in ("web", "unknown.test")]


def test_another_class_is_somebody_elses(table):
    """CHAOS, for one."""
    message = query("web")[:-2] + b"\0\3"
    question = read_question(message)
    assert question is not None
    assert None is table.find(message, question, 512)


def test_addresses_take_turns(table):
    """Each client begins with another one."""
    firsts = [ask(table, "db.default.svc.cluster.local").split()[2] for _ in range(4)]
    assert (3, firsts[0]) == (len(set(firsts[:3])), firsts[3])


def test_long_answers_are_cut(table):
    """To what a datagram holds, or to what the client says it takes; a CNAME before them counts."""
    assert (30, "0+tc") == (ask(table, "many.test").count(" A "), ask(table, "many.test").split()[0])
    assert 74 == ask(table, "many.test", edns=4096).count(" A ")
    assert 27 == ask(table, "many.test.default.svc.cluster.local").count(" A ")


def test_how_many_answers_differ(table):
    """In the order of their records; one for a name without records of a type, none where somebody else has to be asked."""
    def orders(name: str, kind: int = A, cls: int = 1) -> int:
        message = query(name, kind, cls=cls)
        question = read_question(message)
        assert question is not None
        assert (table.orders(question) > 0) == (table.find(message, question, 512) is not None)
        return table.orders(question)

    assert [100, 1, 1, 1] == [orders("many.test"), orders("web"), orders("web", AAAA), orders("web", ANY)]
    assert [0, 0, 0] == [orders("absent.test"), orders("web", cls=3), orders("out.test", TXT)]


def test_the_first_of_equal_names_counts():
    """A service stands before a ServiceEntry in a snapshot; CNAME records are never made of names alone."""
    table = Answers()
    table.add(HostAddresses("web.test", ("10.0.0.1",)))
    table.add(HostAddresses("web.test", ("10.0.0.2",)))
    assert ("0 A 10.0.0.1", "-") == (ask(table, "web.test"), ask(table, "web.test", CNAME))

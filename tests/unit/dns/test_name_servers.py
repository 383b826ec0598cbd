"""Which name servers are asked first."""

from twisted.internet.task import Clock

from meshd.dns import name_servers
from meshd.dns.name_servers import RECHECK, NameServers

SERVERS = ("10.0.0.1", "10.0.0.2", "10.0.0.3")


def test_those_that_do_not_answer_come_last():
    """But for one question now and then, until they answer."""
    clock = Clock()
    servers = NameServers(clock.seconds)
    assert [*SERVERS] == servers.order(SERVERS)
    servers.failed("10.0.0.1")
    assert ["10.0.0.2", "10.0.0.3", "10.0.0.1"] == servers.order(SERVERS)
    clock.advance(RECHECK)
    assert ["10.0.0.1", "10.0.0.2"] == [servers.order(SERVERS)[0] for _ in range(2)]
    servers.failed("10.0.0.1")
    assert {"10.0.0.1": RECHECK, "10.0.0.2": None} == servers.silent(SERVERS[:2])
    servers.answered("10.0.0.1")
    assert [*SERVERS] == servers.order(SERVERS)


def test_where_none_answers_all_are_asked():
    """In their order."""
    servers = NameServers(Clock().seconds)
    for server in SERVERS:
        servers.failed(server)
    assert [*SERVERS] == servers.order(SERVERS)


def test_what_is_remembered_is_bounded(monkeypatch):
    """A machine that moves through many networks forgets the former ones."""
    monkeypatch.setattr(name_servers, "MAX_KNOWN", 2)
    servers = NameServers(Clock().seconds)
    for server in SERVERS:
        servers.failed(server)
    assert {"10.0.0.1": None, "10.0.0.2": None, "10.0.0.3": 0.0} == servers.silent(SERVERS)

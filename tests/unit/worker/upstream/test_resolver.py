"""Tests of looking names up, against a real server on loopback."""

import pytest
from twisted.names import error

from meshd.worker.upstream.resolver import AAAA, MAX_ADDRESSES, A, MachineResolver, Records, read_records
from tests.helpers.name_server import NameServer, a, aaaa, cname


@pytest.fixture(name="server")
def _server():
    """Give a server of names."""
    made = NameServer()
    yield made
    made.close()


@pytest.fixture(name="resolver")
def _resolver(server, tmp_path):
    """Give a resolver that asks it, with a hosts file of its own."""
    (tmp_path / "hosts").write_text("127.0.0.9 here.test\n::9 here.test\n")
    return MachineResolver(server.reactor, [server.place], hosts_file=str(tmp_path / "hosts"))


def test_addresses_come_in_the_answers_order_with_the_shortest_time(server, resolver):
    """Of either kind."""
    server.answers["db.test"] = [a("db.test", "10.0.0.2", 60), a("db.test", "10.0.0.1", 20), aaaa("db.test", "fd00::1", 7)]
    assert [Records(("10.0.0.2", "10.0.0.1"), 20), Records(("fd00::1",), 7)] == [server.wait(resolver.look_up("db.test", kind)) for kind in (A, AAAA)]


def test_the_hosts_file_comes_first(server, resolver):
    """It holds for no time that it says."""
    server.answers["here.test"] = [a("here.test", "10.0.0.1")]
    assert [Records(("127.0.0.9",)), Records(("::9",))] == [server.wait(resolver.look_up("here.test", kind)) for kind in (A, AAAA)]
    assert [] == server.asked


def test_no_such_name_and_no_such_records_are_told_apart(server, resolver):
    """The one fails, the other is an answer; a server that fails is neither."""
    server.answers["empty.test"] = []
    absent, empty = [server.wait(resolver.look_up(name, A)) for name in ("absent.test", "empty.test")]
    server.failing = True
    broken = server.wait(resolver.look_up("absent.test", A))
    assert (error.DNSNameError, Records(()), True) == (absent.type, empty, broken.type is not error.DNSNameError)


def test_many_addresses_come_by_tcp_and_are_cut(server, resolver):
    """An answer that no datagram holds is asked for again; what is beyond the limit is left out."""
    server.answers["big.test"] = [a("big.test", f"10.0.{number // 256}.{number % 256}") for number in range(300)]
    assert MAX_ADDRESSES == len(server.wait(resolver.look_up("big.test", A)).addresses)


def test_resolv_conf_is_read_when_asked(server, tmp_path):
    """A file that is absent or ill-formed is as an empty one: a server of this machine is asked; nothing stays scheduled."""
    resolver = MachineResolver(server.reactor, resolv_conf=str(tmp_path / "resolv.conf"), hosts_file=str(tmp_path / "hosts"))
    (tmp_path / "hosts").write_text("10.0.0.3 x\n")
    assert Records(("10.0.0.3",)) == server.wait(resolver.look_up("x", A))
    (tmp_path / "resolv.conf").write_text("nameserver\nnameserver 127.0.0.8\nsearch\n")
    assert Records(("10.0.0.3",)) == server.wait(resolver.look_up("x", A))
    assert ([("127.0.0.8", 53)], []) == (resolver._client.dynServers, server.reactor.getDelayedCalls())


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([cname("x.test", "Y.test", 9), a("y.test", "10.0.0.1")], Records(("10.0.0.1",), 9)),
        ([a("other.test", "10.0.0.1")], Records(())),
        ([a("X.test", "10.0.0.1"), a("x.test", "10.0.0.1")], Records(("10.0.0.1",), 30)),
        ([cname("x.test", "y.test"), cname("y.test", "x.test")], Records((), 30)),
        ([a("x.test", "0.0.0.0"), a("x.test", "224.0.0.1"), a("x.test", "127.0.0.1")], Records(("127.0.0.1",), 30)),
        ([aaaa("x.test", "fd00::1")], Records(())),
    ],
)
def test_only_what_is_said_of_the_name_counts(answers, expected):
    """By way of its aliases, which may not go round for ever; addresses that nothing can be connected to are left out."""
    assert expected == read_records("x.test.", A, answers)


@pytest.mark.parametrize("address", ["::ffff:0.0.0.0", "::ffff:224.0.0.1", "::", "ff02::1"])
def test_no_address_hides_in_another_family(address):
    """What IPv6 says of IPv4 is looked at as IPv4."""
    assert Records(()) == read_records("x.test.", AAAA, [aaaa("x.test", address)])

"""Which listening sockets are open, for whom."""

import socket

import pytest

from meshd.control.sockets import ListeningSockets, check_free, open_listening_socket, place_of

PLACE = ("127.0.0.1", 80)


class Fake(socket.socket):
    """An unbound socket that says where it would be bound."""

    place = PLACE

    def getsockname(self):
        """Give the pretended address."""
        return self.place


class Opener:
    """Opens fakes and remembers what was asked."""

    def __init__(self) -> None:
        """Nothing asked yet."""
        self.opened: list[tuple[str, int]] = []
        self.checked: list[tuple[str, int]] = []
        self.taken: set[tuple[str, int]] = set()

    def open(self, address: str, port: int, protocol: str = "tcp") -> socket.socket:
        """Open a fake."""
        self.opened.append((address, port))
        fake = Fake()
        fake.place = (address, port)
        return fake

    def check(self, address: str, port: int, protocol: str = "tcp") -> None:
        """Refuse what is taken."""
        self.checked.append((address, port))
        if (address, port) in self.taken:
            raise OSError(98, "Address already in use")


@pytest.fixture
def opener():
    """Give a fresh opener."""
    return Opener()


@pytest.fixture
def sockets(opener):
    """Give sockets that are closed in the end."""
    found = ListeningSockets(opener.open, opener.check)
    yield found
    found.close()


def test_each_worker_has_its_own_and_always_the_same(opener, sockets):
    """A replacement worker gets the socket of the one that died."""
    first, second = sockets.get(0, PLACE), sockets.get(1, PLACE)
    assert first is not second
    assert (first, second) == (sockets.get(0, PLACE), sockets.get(1, PLACE))
    assert [PLACE, PLACE] == opener.opened


def test_the_first_of_an_address_must_be_alone(opener, sockets):
    """Another program's socket is noticed, our own ones are not in the way."""
    opener.taken.add(PLACE)
    with pytest.raises(OSError, match="in use"):
        sockets.get(0, PLACE)
    opener.taken.clear()
    sockets.get(0, PLACE)
    sockets.get(1, PLACE)
    assert [PLACE, PLACE] == opener.checked


def test_adopted_sockets_are_held(opener, sockets):
    """What a worker hands back is used instead of a new one; a second duplicate is closed."""
    handed, again = Fake(), Fake()
    assert [PLACE, PLACE] == [sockets.adopt(0, handed), sockets.adopt(0, again)]
    assert sockets.get(0, PLACE) is handed
    assert -1 == again.fileno()
    assert [] == opener.opened


def test_what_is_not_wanted_any_more_is_closed(sockets):
    """Only this worker's."""
    gone, kept, other = sockets.get(0, PLACE), sockets.get(0, ("::", 80)), sockets.get(1, PLACE)
    sockets.keep(0, [("::", 80), ("::", 81)])
    assert [True, False, False] == [found.fileno() < 0 for found in (gone, kept, other)]


def test_datagrams_of_a_dead_worker_are_left_to_others():
    """Its sockets for them are closed; those for connections, whose queue can wait, and other workers' are kept."""
    sockets = ListeningSockets(lambda *place: Fake(), lambda *place: None)
    udp = ("127.0.0.1", 53, "udp")
    gone, kept, other = sockets.get(0, udp), sockets.get(0, ("127.0.0.1", 53)), sockets.get(1, udp)
    sockets.drop_datagrams(0)
    assert [True, False, False] == [found.fileno() < 0 for found in (gone, kept, other)]
    assert gone is not sockets.get(0, udp)
    sockets.close()


class Recorded(socket.socket):
    """A socket that binds nothing and remembers what it was told."""

    calls: list[object]

    def __init__(self, *arguments):
        """Remember the family."""
        super().__init__(*arguments)
        self.calls = []

    def setsockopt(self, *option):
        """Remember an option."""
        self.calls.append(option)

    def bind(self, address):
        """Remember the address."""
        self.calls.append(("bind", address))

    def listen(self, backlog):
        """Remember the backlog."""
        self.calls.append(("listen", backlog))


SHARED, OWN, ONLY_SIX = (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1), (socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), (41, socket.IPV6_V6ONLY, 1)


@pytest.mark.parametrize(("address", "expected"), [
    ("127.0.0.1", [OWN, SHARED, ("bind", ("127.0.0.1", 80)), ("listen", 4096)]),
    ("::", [OWN, SHARED, ONLY_SIX, ("bind", ("::", 80)), ("listen", 4096)]),
])
def test_sockets_are_shared_and_never_dual(monkeypatch, address, expected):
    """Workers share the address; IPv6 sockets take no IPv4."""
    monkeypatch.setattr(socket, "socket", Recorded)
    with open_listening_socket(address, 80) as opened:
        assert (expected, False) == (opened.calls, opened.getblocking())


def test_sockets_for_datagrams(monkeypatch):
    """They are shared by workers, too, but by no stranger, and do not listen."""
    monkeypatch.setattr(socket, "socket", Recorded)
    with open_listening_socket("127.0.0.1", 53, "udp") as opened:
        assert ([SHARED, ("bind", ("127.0.0.1", 53))], socket.SOCK_DGRAM) == (opened.calls, opened.type)


def test_places_of_datagrams_are_others():
    """The same port may be used by both."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        udp.bind(("127.0.0.1", 0))
        tcp.bind(("127.0.0.1", 0))
        assert (("127.0.0.1", udp.getsockname()[1], "udp"), ("127.0.0.1", tcp.getsockname()[1])) == (place_of(udp), place_of(tcp))


def test_checking_shares_nothing(monkeypatch):
    """A socket without SO_REUSEPORT is refused where any other listens."""
    made: list[Recorded] = []
    monkeypatch.setattr(socket, "socket", lambda *arguments: made.append(Recorded(*arguments)) or made[-1])
    check_free("::", 80)
    assert ([OWN, ONLY_SIX, ("bind", ("::", 80))], -1) == (made[0].calls, made[0].fileno())


def test_a_place_is_address_and_port():
    """IPv6 names have more fields, which do not count."""
    with Fake() as fake:
        fake.place = ("::", 80, 0, 0)
        assert ("::", 80) == place_of(fake)

"""Asking HTTP proxies for tunnels, over socket pairs."""

import pytest

from meshd.codec.http1_response import MAX_HEAD_BYTES
from meshd.worker.upstream.tunnelling import TunnelRequest, encode_connect
from meshd.worker.wire.stream import Stream
from tests.helpers.worker_rig import Recorder, Rig, ending, received


class Asked:
    """A request for a tunnel, and what became of it."""

    def __init__(self):
        """Ask."""
        self.rig = Rig()
        self.told = []
        ours, self.proxy = self.rig.pair()
        self.stream = Stream(self.rig.poller, ours, Recorder())
        self.request = TunnelRequest(
            self.stream, "far.test:443", self.rig.wheel, 5.0, lambda rest: self.told.append(("open", rest)),
            lambda failure: self.told.append(("refused", failure)),
        )
        self.rig.pump()


@pytest.fixture
def asked():
    """Give a request that has been sent."""
    made = Asked()
    yield made
    made.stream.close()
    made.rig.close()


def test_asks_by_connect(asked):
    """For the target, which is the authority too."""
    expected = b"CONNECT far.test:443 HTTP/1.1\r\nhost: far.test:443\r\n\r\n"
    assert (expected, expected) == (received(asked.proxy), encode_connect("far.test:443"))


@pytest.mark.parametrize(("answer", "expected"), [
    (b"HTTP/1.1 200 OK\r\n\r\n", ("open", b"")),
    (b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\nhello", ("open", b"hello")),
    (b"HTTP/1.1 299 OK\r\nContent-Length: 5\r\n\r\nhello", ("open", b"hello")),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ("open", b"0\r\n\r\n")),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", ("open", b"x")),
    (b"HTTP/1.1 407 No\r\n\r\n", ("refused", "tunnel_response:407")),
    (b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", ("refused", "tunnel_response:101")),
    (b"HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n", ("refused", "tunnel_response:302")),
    (b"HTTP/1.1 200 OK\r\nbad line\r\n\r\n", ("refused", "")),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", ("refused", "")),
    (b"SSH-2.0-x\r\n", ("refused", "")),
    (b"HTTP/1.1 xyz\r\n\r\n", ("refused", "")),
    (b"HTTP/1.1 100 C\r\n\r\n" * 40, ("refused", "")),
])
@pytest.mark.parametrize("whole", [True, False])
def test_what_opens_a_tunnel(asked, answer, expected, whole):
    """Any 2xx, however it arrives; what it says of a body means nothing."""
    for piece in [answer] if whole else [answer[place:place + 1] for place in range(len(answer))]:
        if not asked.told:
            asked.proxy.sendall(piece)
            asked.rig.pump(1)
    kind, rest = asked.told[0]
    assert (expected[0], 1, True) == (kind, len(asked.told), rest == expected[1] or (not whole and kind == "open" and rest == b""))
    assert ("open" if kind == "open" else "fin") == ending(asked.proxy)


def test_a_head_is_bounded(asked):
    """As an answer's."""
    asked.proxy.setblocking(False)
    left = memoryview(b"HTTP/1.1 200 OK\r\nA: " + b"x" * MAX_HEAD_BYTES)
    while left and not asked.told:
        left = left[asked.proxy.send(left[:8192]):]
        asked.rig.pump(1)
    assert [("refused", "")] == asked.told


@pytest.mark.parametrize("how", ["close", "silence", "bug"])
def test_a_proxy_that_does_not_answer(asked, how):
    """It closes, or says nothing for as long as it may."""
    if how == "close":
        asked.proxy.close()
        asked.rig.pump()
    elif how == "bug":
        asked.stream.broken()
    else:
        asked.rig.advance(4.9)
        assert [] == asked.told
        asked.rig.advance(0.2)
    assert ([("refused", "")], True) == (asked.told, asked.stream.fd < 0)


def test_it_may_be_given_up(asked):
    """Its timer stops."""
    asked.request.stop()
    asked.rig.advance(10.0)
    assert [] == asked.told

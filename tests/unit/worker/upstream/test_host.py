"""Tests of hosts."""

from meshd.worker.upstream.host import MOST_PARTS, UpstreamHost


class Connection:
    """A pooled connection that can be dropped."""

    def __init__(self, idle_since=0.0):
        self.idle_since = idle_since
        self.dropped = 0

    def drop(self):
        """Note it."""
        self.dropped += 1


def test_is_written_as_the_log_has_it():
    """IPv6 addresses have brackets."""
    assert ("[fd00::1]:80", "10.0.0.1:80") == (UpstreamHost("fd00::1", 80).text, UpstreamHost("10.0.0.1", 80).text)


def test_remove_closes_what_is_free():
    """A host that is no endpoint any more keeps no connections."""
    host, connection = UpstreamHost("10.0.0.1", 80), Connection()
    host.idle.append(connection)
    host.remove()
    assert (1, [], True) == (connection.dropped, host.idle, host.removed)


def test_old_connections_are_dropped():
    """Those free since before a time are closed, the others stay."""
    host = UpstreamHost("10.0.0.1", 80)
    old, new = Connection(10.0), Connection(20.0)
    host.idle += [old, new]
    host.drop_idle_since(15.0)
    assert (1, 0, [new]) == (old.dropped, new.dropped, host.idle)


def test_parts_by_server_name_are_not_without_end():
    """Those that nothing uses make way; what is free is closed where that does not suffice."""
    host = UpstreamHost("10.0.0.1", 80)
    first = host.part("a0")
    assert first is host.part("a0")
    for number in range(1, MOST_PARTS):
        host.part(f"a{number}").connections = number % 2
    assert not host.unused
    host.part("b")
    assert MOST_PARTS // 2 + 1 == len(host.parts())
    assert first is not host.part("a0")


def test_parts_of_clients_are_there_until_they_are_left():
    """However many there are; each is one client's."""
    host = UpstreamHost("10.0.0.1", 80)
    parts = [host.part("", f"{number} ") for number in range(2 * MOST_PARTS)]
    assert (2 * MOST_PARTS, parts[3], True) == (len(host.parts()), host.part("", "3 "), host.part("a", "3 ") is not parts[3])
    connection = Connection()
    parts[3].idle.append(connection)
    parts[3].left()
    parts[3].left()
    assert (1, True, 2 * MOST_PARTS) == (connection.dropped, parts[3].removed, len(host.parts()))

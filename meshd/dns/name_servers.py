"""Which of the machine's name servers answer, so that questions need not wait for those that do not."""

from collections.abc import Callable, Mapping, Sequence

import attrs

RECHECK = 10.0  # seconds after which a server that did not answer is given one more question
MAX_KNOWN = 64  # a machine has some three; more than that are of former networks


@attrs.define(eq=False)
class Silence:
    """Since when a server has not answered, and when it is to be asked again, monotonic seconds."""

    since: float
    again: float


class NameServers:
    """Remembers which servers have not answered; a server that nothing is known of counts as one that answers."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        """Begin with nothing known; `seconds` is a monotonic clock."""
        self._seconds = seconds
        self._silent: dict[str, Silence] = {}

    def order(self, servers: Sequence[str]) -> list[str]:
        """Give servers in the order in which a question is to be put to them: those that do not answer last, but for one question now and then."""
        if not self._silent:
            return list(servers)
        now = self._seconds()
        last = []
        for server in servers:
            silence = self._silent.get(server)
            if silence is not None and now < silence.again:
                last.append(server)
            elif silence is not None:
                silence.again = now + RECHECK
        return [server for server in servers if server not in last] + last

    def answered(self, server: str) -> None:
        """Note that a server has answered, whatever."""
        self._silent.pop(server, None)

    def failed(self, server: str) -> None:
        """Note that a server has not answered in time, or not at all."""
        now = self._seconds()
        silence = self._silent.get(server)
        if silence is not None:
            silence.again = now + RECHECK
        else:
            if len(self._silent) >= MAX_KNOWN:
                self._silent.clear()
            self._silent[server] = Silence(now, now + RECHECK)

    def silent(self, servers: Sequence[str]) -> Mapping[str, float | None]:
        """Tell for how many seconds each server has not answered; None for one that does."""
        now = self._seconds()
        return {server: now - self._silent[server].since if server in self._silent else None for server in servers}

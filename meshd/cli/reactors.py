"""Work that needs an event loop, for commands that ask an API server: a loop of the process's own, which ends with the work."""

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor
from twisted.python.failure import Failure

T = TypeVar("T")


def run(work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
    """
    Run work to its end and give what it gives; once in a process, before anything else in it has a reactor.

    Args:
        work: Takes the reactor.

    Raises:
        Exception: What the work raises.
    """
    reactor = EPollReactor()
    installReactor(reactor)  # reason: Twisted's TLS takes the installed one for its clock, and cannot be told another
    found: list[T] = []
    failed: list[Failure] = []

    def begin() -> None:
        done = Deferred.fromCoroutine(work(reactor))
        done.addCallbacks(found.append, failed.append)
        done.addBoth(lambda _: reactor.callLater(0, reactor.stop))

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    if failed:
        failed[0].raiseException()
    return found[0]

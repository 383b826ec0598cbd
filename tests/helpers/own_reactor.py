"""A reactor of a test's own, that is turned only while the test waits for something."""

from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.python.failure import Failure

T = TypeVar("T")


class OwnReactor:
    """
    Turns a reactor until a Deferred has fired.

    Attributes:
        reactor: It.
    """

    def __init__(self) -> None:
        """Make one; nothing is installed as the reactor of the process."""
        self.reactor: Any = EPollReactor()

    def wait(self, pending: "Deferred[T]", seconds: float = 30.0) -> T:
        """
        Give a Deferred's result, or raise its failure.

        Raises:
            AssertionError: If it does not fire in time.
        """
        found: list[T | Failure] = []

        def take(result: T | Failure) -> None:
            found.append(result)
            self.reactor.callLater(0, self.reactor.crash)

        pending.addBoth(take)
        late = self.reactor.callLater(seconds, self.reactor.crash)
        self.reactor.run()
        if late.active():
            late.cancel()
        assert found, f"expected a result within {seconds:g} s, got none"
        result = found[0]
        if isinstance(result, Failure):
            result.raiseException()
        return result

    def run_for(self, seconds: float) -> None:
        """Turn it for a time."""
        self.wait(self._later(seconds), seconds + 10.0)

    def close(self) -> None:
        """Stop it for good, its threads and descriptors with it."""
        self.reactor.callWhenRunning(self.reactor.stop)
        self.reactor.run()
        for waker in set(self.reactor._internalReaders):  # reason: no reactor of Twisted gives its own pipes back
            self.reactor._internalReaders.discard(waker)
            waker.connectionLost(None)
        self.reactor._poller.close()

    def _later(self, seconds: float) -> "Deferred[None]":
        done: Deferred[None] = Deferred()
        self.reactor.callLater(seconds, done.callback, None)
        return done

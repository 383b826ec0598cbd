"""How a client's connection ends: after which answer, said how long before, and whether the client has a moment to close first."""

from meshd.base.traits import trait
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.worker.closing import Lingering, give_up_when_stuck
from meshd.worker.exchange import Exchange
from meshd.worker.wire.stream import Stream
from meshd.worker.wire.wheel import Timer, Wheel


@trait
class Ends:
    """Whose connection it is."""

    __slots__ = ()

    def is_idle(self) -> bool:
        """Tell whether the connection may end without loss: no request is under way, nor a part of one."""
        raise NotImplementedError

    def take_no_more(self) -> None:
        """Read nothing of what still comes."""

    def ended(self) -> None:
        """Forget the connection: it is closed. Called once."""


class Ending:
    """
    The end of one connection.

    It is said before it comes: while the connection is `draining`, answers carry `connection: close`, and requests are served still. When the
    drain timeout is `over`, it ends with the answer under way, or at once when there is none.

    Attributes:
        kind: Empty while the connection stays after the answer under way; else it ends then: `delayed` when the client may close first, for a
            moment; `now`; or `gone` when nothing can be written any more.
        draining: The end has been decided on.
        over: The time for it has come.
    """

    __slots__ = ("_config", "_owner", "_stream", "_timer", "_wheel", "draining", "kind", "over")

    def __init__(self, owner: Ends, stream: Stream, wheel: Wheel, config: HttpConnectionManager) -> None:
        """
        Begin with a connection that stays.

        Args:
            owner: Whose connection it is.
            stream: The connection.
            wheel: Takes its timers.
            config: Says how long things take.
        """
        self._owner: Ends | None = owner
        self._stream = stream
        self._wheel = wheel
        self._config = config
        self._timer: Timer | None = None
        self.kind = ""
        self.draining = self.over = False

    def use(self, config: HttpConnectionManager) -> None:
        """Go by other settings from now on."""
        self._config = config

    def decide(self, exchange: Exchange) -> bool:
        """Decide whether the connection stays after a response, whose head is about to be written; return whether that has to say `close`."""
        if not exchange.request_complete:
            head = exchange.response
            if head is not None and head.upgrade:
                return False
            self.kind = "delayed"
        elif not exchange.request.keep_alive:
            self.kind = self.kind or "now"
        elif self.over:
            self.kind = self.kind or "delayed"
        return self.draining or self.kind != ""

    def drain(self) -> None:
        """Have the connection end within the drain timeout, or with the answer that is under way then."""
        if not self.draining:
            self.draining = True
            self._timer = self._wheel.after(self._config.drain_timeout, self._drained)

    def _drained(self) -> None:
        self._timer = None
        self.over = True
        owner = self._owner
        if owner is not None and not self.kind and owner.is_idle():
            self.kind = "delayed"
            self.shut()

    def end_now(self) -> None:
        """End at once: there is nobody to write to, or nothing."""
        self.kind = "gone"
        self.shut()

    def shut(self) -> None:
        """Close as `kind` says, once what is queued has been written."""
        owner = self._owner
        if owner is None:
            return
        owner.take_no_more()
        delay = self._config.delayed_close_timeout
        kind = self.kind
        if kind == "gone":
            self.finish()
        elif kind == "now" or not delay:
            self._stream.when_written(self.finish)
        else:
            self._stream.when_written(self._linger)
        give_up_when_stuck(self._stream, self._wheel, delay, self.finish)

    def _linger(self) -> None:
        Lingering(self._stream, self._wheel, self._config.delayed_close_timeout, self.finish)

    def finish(self) -> None:
        """Close the stream and tell the owner; harmless afterwards."""
        owner, self._owner = self._owner, None
        if owner is None:
            return
        self._stream.close()
        if self._timer is not None:
            self._timer.cancel()
        owner.ended()

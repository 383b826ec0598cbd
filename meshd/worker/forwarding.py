"""Which pairs of sockets the kernel forwards by itself, when they go there, and when they come back (docs/decisions/0007-kernel-forwarding.md)."""

from collections.abc import Callable, Sequence
from typing import Final

from meshd.ipc.forwarding import ForwardingMaps
from meshd.worker.direction import MESSAGE, MESSAGES, Direction
from meshd.worker.wire.poller import IN, Poller, Watcher
from meshd.worker.wire.sockmap import CREDIT, KernelWay
from meshd.worker.wire.wheel import Timer, Wheel

WITHIN: Final = 1.0
"""Seconds in which a pair exchanges `MESSAGES` messages once more before the kernel gets it."""
SAMPLE: Final = 1.0
"""Seconds after which a pair that the kernel has is judged anew."""
FIRST_LOOK: Final = 0.01
"""Seconds until the first look at a pair's credit; later ones come when a quarter of it should be used up."""
SETTLE: Final = 0.01
"""Seconds between looks at whether the kernel has written what it took of a pair that comes back."""


Seen = tuple[int, int]
"""Bytes that the kernel has forwarded of a way, and in how many segments."""


def stays(before: Sequence[Seen], now: Sequence[Seen]) -> bool:
    """Tell whether the kernel keeps a pair: it had enough segments to forward between two looks, and small ones each way."""
    moved = [(one[0] - other[0], one[1] - other[1]) for one, other in zip(now, before, strict=True)]
    return sum(segments for _, segments in moved) >= MESSAGES and all(forwarded <= segments * MESSAGE for forwarded, segments in moved)


class ForwardedPair:
    """
    A pair that has been chatty, with the kernel or on its way there or back.

    Attributes:
        since: When it was last found to be chatty.
        with_kernel: It is forwarded.
        refused: The kernel did not take it.
    """

    __slots__ = (
        "_costs", "_forwarding", "_interval", "_judged_at", "_looked_at", "_seen", "_timer", "_ways", "refused", "since", "with_kernel",
    )

    def __init__(self, forwarding: "Forwarding", since: float) -> None:
        """Do nothing yet."""
        self._forwarding = forwarding
        self._ways: list[KernelWay] = []
        self._timer: Timer | None = None
        self._seen: list[Seen] = []
        self._costs: list[int] = []
        self._interval = self._judged_at = self._looked_at = 0.0
        self.since = since
        self.with_kernel = self.refused = False

    def enter(self, maps: ForwardingMaps, up: Direction, down: Direction) -> None:
        """
        Let the kernel have both ways, unless bytes wait in one.

        Raises:
            OSError: If the kernel does not take them; the worker goes on.
        """
        if not self._ways:
            for way in (up, down):
                self._ways.append(KernelWay(maps, way.source, way.target, way.count, self._on_event))
                way.spliceable = False  # a pipe does not see what the program leaves to us
        up_entered, down_entered = self._ways[0].enter(up.moved), self._ways[1].enter(down.moved)
        if up_entered and down_entered:
            self._set_with_kernel(True)
            self._judged_at = self._looked_at = self._forwarding.seconds()
            self._seen = [(way.forwarded, way.segments) for way in self._ways]
            self._costs = [way.cost for way in self._ways]
            self._interval = FIRST_LOOK
            self._timer = self._forwarding.wheel.after(FIRST_LOOK, self._look)
        else:
            self.leave()

    def count(self) -> None:
        """Have what the kernel has forwarded added to what the ways have moved."""
        for way in self._ways:
            way.count()

    def end(self) -> None:
        """Count for the last time; both sockets are closed next, or are already."""
        self._stop_timer()
        self._set_with_kernel(False)
        for way in self._ways:
            way.forget()
        self._ways.clear()

    def _look(self) -> None:
        """Renew the ways' credit; take the pair back if that is used up, or if its messages have become large or few."""
        self._timer = None
        renewed = [way.renew() for way in self._ways]
        if not all(renewed) or not self._still_chatty():
            self.leave()
            return
        now = self._forwarding.seconds()
        costs = [way.cost for way in self._ways]
        spent = max(cost - before for cost, before in zip(costs, self._costs, strict=True))
        wanted = (now - self._looked_at) * CREDIT / 4 / max(spent, 1)
        self._looked_at, self._costs = now, costs
        self._interval = min(wanted, self._interval * 2, SAMPLE)
        self._timer = self._forwarding.wheel.after(self._interval, self._look)

    def _still_chatty(self) -> bool:
        now = self._forwarding.seconds()
        if now - self._judged_at < SAMPLE:
            return True
        before, self._seen = self._seen, [(way.forwarded, way.segments) for way in self._ways]
        self._judged_at = now
        return stays(before, self._seen)

    def _on_event(self, way: KernelWay) -> None:
        """Act on the end of one side: what is left of the pair is the worker's."""
        code = way.source.failure()
        if code:
            way.source.lose(code)
        elif way.phase == "settling":
            way.source.unwatch()
        else:
            self.leave()

    def leave(self) -> None:
        """Take the pair back; each way is read as soon as the kernel is done with it, since the other may have to wait for that."""
        self._stop_timer()
        self._set_with_kernel(False)
        for way in self._ways:
            way.leave()
        self._settle()

    def _settle(self) -> None:
        self._timer = None
        settled = [way.settle() for way in self._ways]
        if not all(settled):
            self._timer = self._forwarding.wheel.after(SETTLE, self._settle)

    def _set_with_kernel(self, with_kernel: bool) -> None:
        if with_kernel != self.with_kernel:
            self.with_kernel = with_kernel
            for way in self._ways:
                if with_kernel:
                    self._forwarding.ways[way.cookie] = self
                else:
                    del self._forwarding.ways[way.cookie]

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Forwarding(Watcher):
    """
    A worker's use of the kernel.

    Attributes:
        maps: Shared with the kernel; None where it does not forward.
        ways: Pairs that the kernel has, by the cookies of their ways.
        wheel: Timers.
        seconds: Monotonic clock.
    """

    __slots__ = ("_on_problem", "_poller", "maps", "seconds", "ways", "wheel")

    def __init__(self, poller: Poller, wheel: Wheel, seconds: Callable[[], float], on_problem: Callable[[str], None]) -> None:
        """Leave all to the worker until there are maps."""
        self._poller = poller
        self._on_problem = on_problem
        self.wheel = wheel
        self.seconds = seconds
        self.maps: ForwardingMaps | None = None
        self.ways: dict[int, ForwardedPair] = {}

    @property
    def pairs(self) -> int:
        """How many the kernel has."""
        return len(self.ways) // 2

    def use(self, maps: ForwardingMaps) -> None:
        """Take maps over; the first ones are kept, since pairs are in them."""
        if self.maps is not None:
            maps.close()
            return
        try:
            maps.ways.get(0)
        except OSError as error:  # a kernel before 6.0, where kernel.unprivileged_bpf_disabled keeps us from maps that we were given
            maps.close()
            self._on_problem(f"connections are not forwarded by the kernel: {error.strerror}")
            return
        self.maps = maps
        self._poller.add(maps.bell.descriptor, self, IN)

    def on_events(self, events: int) -> None:
        """Take back the pairs whose credit is used up: they carry bulk, or a peer does not read."""
        maps = self.maps
        if maps is not None:
            for cookie in maps.bell.take():
                pair = self.ways.get(cookie)
                if pair is not None:
                    pair.leave()

    def consider(self, pair: ForwardedPair | None, up: Direction, down: Direction) -> ForwardedPair | None:
        """
        Act on messages: a pair that has exchanged `MESSAGES` of them twice, the second time within `WITHIN`, becomes the kernel's.

        Args:
            pair: What was returned before, None at first.
            up: One way.
            down: The other.
        """
        both = min(up.messages, down.messages) >= MESSAGES // 2
        up.messages = down.messages = 0
        maps = self.maps
        if maps is None or not both or up.done or down.done:
            return pair
        now = self.seconds()
        if pair is None:
            return ForwardedPair(self, now)
        since, pair.since = pair.since, now
        if now - since <= WITHIN and not pair.with_kernel and not pair.refused:
            try:
                pair.enter(maps, up, down)
            except OSError:  # such as a full map, or a side that has just ended
                pair.refused = True
                pair.leave()
        return pair

    def stop(self) -> None:
        """Close the maps; pairs are closed before."""
        maps, self.maps = self.maps, None
        if maps is not None:
            self._poller.remove(maps.bell.descriptor)
            maps.close()

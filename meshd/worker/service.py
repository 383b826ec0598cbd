"""The data plane of one worker process: takes programs and listening sockets, serves, and tells what it does."""

import socket
from collections.abc import Callable, Mapping, Sequence

import attrs
from twisted.internet.interfaces import IReactorFDSet, IReactorTime

from meshd.tables.interfaces import Step


@attrs.frozen
class DataPlaneSettings:
    """
    What an operator may set for a worker.

    Attributes:
        spare_descriptors: Accepting pauses when fewer than this many descriptors are free.
        drain_time: Seconds that connections of a removed listener may go on.
    """

    spare_descriptors: int = 32
    drain_time: float = 45.0  # Istio's default terminationDrainDuration is 5 s; Envoy's --drain-time-s as Istio sets it is 45


@attrs.frozen
class DataPlaneStatus:
    """
    What a worker is doing now.

    Attributes:
        listening: Listener name to number of listening sockets.
        connections: Open downstream connections.
        exchanges: Requests in flight.
        paused: Accepting is paused for want of descriptors.
        draining: No new connections are taken.
    """

    listening: Mapping[str, int]
    connections: int
    exchanges: int
    paused: bool
    draining: bool


class DataPlane:
    """
    Serves connections by the current program.

    Call `use` before `listen`; build programs with `Environment(random=..., route=data_plane.route)`.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        clock: IReactorTime,
        wall_clock: Callable[[], float],
        random: Callable[[], float],
        entropy: Callable[[int], bytes],
        settings: DataPlaneSettings = DataPlaneSettings(),
        on_problem: Callable[[str], None] = lambda text: None,
    ) -> None:
        """
        Make a data plane that listens nowhere yet.

        Args:
            reactor: Takes one reader: the epoll set of all data sockets.
            clock: Monotonic timers.
            wall_clock: Seconds since the epoch, for the Date header and START_TIME.
            random: In [0, 1), for balancers and back-off.
            entropy: `os.urandom`, for request ids.
            settings: What an operator may set.
            on_problem: Told of what an operator should know, such as an access log that cannot be written; once per change, not per request.
        """
        raise NotImplementedError

    @property
    def route(self) -> Step:
        """The step that forwards an exchange to the cluster of its route: every program's last step."""
        raise NotImplementedError

    def use(self, program: object) -> None:
        """Serve by another program (`tables.program.Program`) from now on; exchanges in flight end by the one they began with."""
        raise NotImplementedError

    def listen(self, name: str, listening: socket.socket) -> None:
        """
        Accept connections for a bound listener; called once for each of its sockets (a dual-stack listener has two).

        Args:
            name: Listener's name in the program.
            listening: Bound and listening; this object owns it from now on.
        """
        raise NotImplementedError

    def unlisten(self, name: str) -> None:
        """Stop accepting for a listener and close its sockets; its connections drain."""
        raise NotImplementedError

    def listening(self) -> Mapping[str, Sequence[socket.socket]]:
        """Give the listening sockets by listener name, for a control plane that attaches anew."""
        raise NotImplementedError

    def reopen_logs(self) -> None:
        """Open every access log anew (after a rotation)."""
        raise NotImplementedError

    def status(self) -> DataPlaneStatus:
        """Tell what this worker is doing now."""
        raise NotImplementedError

    def drain(self) -> None:
        """Take no new connections; answer what is in flight, closing connections afterwards."""
        raise NotImplementedError

    def stop(self) -> None:
        """Close everything at once and write out the logs; nothing stays scheduled."""
        raise NotImplementedError

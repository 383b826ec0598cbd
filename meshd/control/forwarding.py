"""Kernel forwarding for workers: BPF maps with their program, where it is wanted, permitted and found to work."""

import contextlib
import os
from collections.abc import Callable
from typing import Any

import attrs
from twisted.logger import Logger

from meshd.control.forwarding_trial import try_forwarding
from meshd.control.verdict import verdict_program
from meshd.ipc.bpf import HASH, ON_DEMAND, SOCKHASH, Ring, attach_verdict, create_map, create_ring, load_verdict
from meshd.ipc.forwarding import BELL, GRANT, SOCKETS, WAY, ForwardingMaps
from meshd.ipc.link import WorkerLink

log = Logger()


def make_forwarding() -> ForwardingMaps:
    """
    Make maps for one worker and load their program, which lives as long as the maps do.

    Raises:
        OSError: Where the kernel does not permit it, or cannot.
    """
    with contextlib.ExitStack() as undo:
        sockets, ways, grants = (
            undo.enter_context(contextlib.closing(create_map(kind, size, SOCKETS, flags)))
            for kind, size, flags in ((SOCKHASH, 4, 0), (HASH, WAY.size, ON_DEMAND), (HASH, GRANT.size, ON_DEMAND))
        )
        maps = ForwardingMaps(sockets, ways, grants, undo.enter_context(contextlib.closing(Ring(create_ring(BELL), BELL))))
        program = load_verdict(verdict_program(*maps.descriptors))
        try:
            attach_verdict(sockets, program)
        finally:
            os.close(program)
        undo.pop_all()
    return maps


@attrs.define(eq=False)
class KernelForwarding:
    """
    Gives each worker maps of its own, so that none reaches another's connections and the kernel frees them with the worker.

    Attributes:
        make: Makes them.
        attempt: Forwards bytes by them; OSError with what went wrong.
        state: `off`, `on`, or `not possible`; `auto` until it was tried.
        reason: Why it is not possible.
    """

    make: Callable[[], ForwardingMaps] = make_forwarding
    attempt: Callable[[ForwardingMaps], None] = try_forwarding
    state: str = "auto"
    reason: str = ""

    def give(self, link: WorkerLink) -> None:
        """Give a worker its maps, or none."""
        if self.state not in ("auto", "on"):
            return
        try:
            if self.state == "auto":
                self._try()
            maps = self.make()
        except OSError as error:
            self.state, self.reason = "not possible", error.strerror or str(error)
            log.info("connections are not forwarded by the kernel: {reason}", reason=self.reason)
            return
        link.forward(maps).addBoth(_close, maps).addErrback(_ignore_lost)

    def status(self) -> dict[str, str]:
        """Tell how it stands."""
        return {"state": self.state, "reason": self.reason}

    def _try(self) -> None:
        maps = self.make()
        try:
            self.attempt(maps)
        finally:
            maps.close()
        self.state = "on"


def _close(result: object, maps: ForwardingMaps) -> object:
    maps.close()
    return result


def _ignore_lost(failure: Any) -> None:
    """A worker that goes before it answers needs no maps."""

"""
A worker process: `python -m meshd.tap.worker INDEX CONTROL_SOCKET UID GID`, started by the control plane, which it outlives.

UID and GID are `-` where they stay as they are. Nothing of the configuration is known here, only snapshots.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from twisted.internet import reactor as installed_reactor
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.logger import FileLogObserver, ILogObserver, LogEvent, formatEventAsClassicLogText, globalLogBeginner

from meshd.base.places import TOKEN_BUCKETS
from meshd.control.machine import machine_addresses, own_address
from meshd.dns.resolv_conf import PATH, ResolvConf
from meshd.dns.server import NameServer
from meshd.snapshot.snapshot import Snapshot
from meshd.tables.program import program_slices
from meshd.tap.privileges import drop_privileges, raise_descriptor_limit, refuse_new_privileges
from meshd.telemetry.instruments import Instruments
from meshd.worker.health import HealthPort
from meshd.worker.service import DataPlane
from meshd.worker.session import Session, SessionLink
from meshd.worker.token_buckets import TokenBuckets
from meshd.worker.wire.memory import keep_freed_memory
from meshd.worker.wire.wheel import Wheel

CONNECT_TIMEOUT = 5  # seconds for a UNIX socket whose owner may be stopped

reactor: Any = installed_reactor


def detach() -> None:
    """Leave the control plane's session, so that neither its terminal nor its end reaches this process."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def build_session(index: int, control_socket: str) -> Session:
    """Put the worker together."""
    instruments = Instruments()
    plane = DataPlane(
        reactor, reactor, time.time, random.random, os.urandom, on_problem=lambda text: session.note_problem(text), instruments=instruments,
    )
    buckets = TokenBuckets(str(Path(control_socket).with_name(TOKEN_BUCKETS)), index, reactor.seconds)
    environment = plane.environment(own_address(machine_addresses()), buckets)

    def build(snapshot: Snapshot, previous: Any) -> Iterator[Any]:
        return program_slices(snapshot, environment, previous)

    def connect(link: SessionLink) -> Any:
        return connectProtocol(UNIXClientEndpoint(reactor, control_socket, timeout=CONNECT_TIMEOUT), link)

    names = NameServer(reactor, Wheel(reactor).after, ResolvConf(PATH), instruments)
    session = Session(index, os.getpid(), plane, HealthPort(reactor, reactor), names, build, instruments.take, connect, reactor, _stop)
    return session


def log_observer(index: str) -> ILogObserver:
    """Write to standard error, which several workers share: each line tells whose it is. What Twisted says of ports that open is left out."""
    def format_event(event: LogEvent) -> str | None:
        if event.get("log_namespace") == "log_legacy" and not event.get("isError"):
            return None
        level = getattr(event.get("log_level"), "name", "-")
        return formatEventAsClassicLogText({**event, "log_system": f"worker {index} {event.get('log_namespace', '-')}#{level}"})

    return FileLogObserver(sys.stderr, format_event)


def main(arguments: list[str]) -> None:
    """Serve until told to end."""
    index, control_socket, uid, gid = arguments
    detach()
    raise_descriptor_limit()
    if uid != "-":
        drop_privileges(int(uid), int(gid))
    refuse_new_privileges()
    keep_freed_memory()
    reactor.seconds = time.monotonic
    globalLogBeginner.beginLoggingTo([log_observer(index)], redirectStandardIO=False)
    session = build_session(int(index), control_socket)
    reactor.addSystemEventTrigger("before", "shutdown", session.close)
    reactor.callWhenRunning(session.start)
    reactor.run()


def _stop() -> None:
    if reactor.running:
        reactor.stop()


if __name__ == "__main__":
    main(sys.argv[1:])

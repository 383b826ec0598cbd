"""The end for a reason that only the operator can mend."""

import os
import sys
from typing import Any

from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger

log = Logger()


def give_up(reactor: Any, name: str, text: str) -> None:
    """
    Stop the program with an exit status that says so; `text` is the log's last line, and the operator's.

    Args:
        reactor: Which runs, or is about to.
        name: The program's.
        text: Why.
    """
    log.critical("{text}", text=text)
    if sys.__stderr__ is not None:  # twistd has put its log in the place of sys.stderr
        sys.__stderr__.write(f"{name}: {text}\n")
    reactor.addSystemEventTrigger("after", "shutdown", fail)
    try:
        reactor.stop()
    except ReactorNotRunning:
        reactor.callWhenRunning(reactor.stop)


def fail() -> None:
    """End with exit status 1; twistd has no other way to."""
    for output in (sys.__stdout__, sys.__stderr__):
        if output is not None:
            output.flush()
    os._exit(1)

"""What operators of log formats are made of: values, what gets them, and what builds that."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from meshd.telemetry.logged import Logged

Value = bytes | str | int | None
"""Bytes are a stranger's and are escaped when written; None is absent."""
Get = Callable[[Logged], Value]

NO_VARIABLES: Final[Mapping[str, str]] = {}


class Surroundings(NamedTuple):
    """What the process is told from outside: the machine's name and the variables of its environment."""

    hostname: str = ""
    environment: Mapping[str, str] = NO_VARIABLES


Build = Callable[[str, Surroundings], tuple[Get, str]]
"""From the argument to what gets the value, and what is wrong with the argument, in words."""


def plain(get: Get) -> Build:
    """Make an operator that takes no argument."""
    def build(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
        return get, "expected no argument" if argument else ""
    return build


def text(get: Callable[[Logged], str]) -> Build:
    """Make an operator without argument whose empty text is absent; texts from configuration are escaped as if a stranger's."""
    return plain(lambda logged: get(logged).encode("utf-8", "surrogateescape") or None)


def absent(logged: Logged) -> Value:
    """Get nothing."""
    return None


def never(reason: str = "") -> Build:
    """Make an operator that has no value yet: with a reason, whoever asks for it is told; without, Envoy would have none either."""
    def build(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
        return absent, reason
    return build

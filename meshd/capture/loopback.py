"""`::6` on lo: the IPv6 address from which meshd calls the application; 127.0.0.6 needs nothing, all of 127.0.0.0/8 is there."""

from itertools import pairwise

import attrs

from meshd.base.addresses import INBOUND_SOURCE_IPV6
from meshd.base.errors import CaptureError
from meshd.capture.backend import refused
from meshd.capture.commands import Ran, Runner

ADDRESS = INBOUND_SOURCE_IPV6
METRIC = "1337"
"""The kernel keeps a metric with each address: it is how removing knows the address that applying added, across restarts and programs."""


@attrs.frozen
class Loopback:
    """What lo has: any IPv6 at all, our address, and whether it was added by us."""

    ipv6: bool
    there: bool
    ours: bool


def read_loopback(runner: Runner) -> Loopback:
    """
    Ask for lo's IPv6 addresses.

    Raises:
        CaptureError: If the program ip is missing or fails.
    """
    ran = runner(["ip", "-6", "-o", "address", "show", "dev", "lo"], "")
    if ran.status:
        raise CaptureError(refused("ip", ran))
    addresses = [line.split() for line in ran.output.splitlines()]
    there = [words for words in addresses if f"{ADDRESS}/128" in words]
    return Loopback(bool(addresses), bool(there), any(_has_metric(words) for words in there))


def add_address(runner: Runner) -> bool:
    """
    Add `::6` unless it is there or lo has no IPv6; tell whether it was added.

    Raises:
        CaptureError: If it cannot be added.
    """
    loopback = read_loopback(runner)
    if not loopback.ipv6 or loopback.there:
        return False
    _run(runner, "add", "metric", METRIC)
    return True


def remove_address(runner: Runner) -> bool:
    """
    Remove `::6` if it was we who added it; tell whether it was removed.

    Raises:
        CaptureError: If it cannot be removed.
    """
    if not read_loopback(runner).ours:
        return False
    _run(runner, "delete")
    return True


def _run(runner: Runner, verb: str, *more: str) -> Ran:
    ran = runner(["ip", "-6", "address", verb, f"{ADDRESS}/128", "dev", "lo", *more], "")
    if ran.status:
        raise CaptureError(refused("ip", ran))
    return ran


def _has_metric(words: list[str]) -> bool:
    return any(pair == ("metric", METRIC) for pair in pairwise(words))

"""Helpers for tests of what picks by a hash."""

import attrs

from meshd.base.xxhash64 import xxhash64
from meshd.tables.balancers.draw import Draw


@attrs.define(eq=False)
class Endpoint:
    """A host."""

    text: str
    weight: int = 1
    active: int = 0


def hosts_of(*weights):
    """Give hosts with some weights."""
    return [Endpoint(f"10.0.0.{place}:80", weight) for place, weight in enumerate(weights, 1)]


def picks(build, hosts, keys=3000, again=0, **options):
    """Give the names of the hosts that keys are sent to."""
    draw = Draw(lambda: 0.0)
    pick = build(hosts, draw, **options)
    draw.again = again
    names = []
    for key in range(keys):
        draw.hash = xxhash64(b"%d" % key)
        names.append(pick().text)
    return names


def share(names, host):
    """Give the share of a host, in percent."""
    return 100 * names.count(host.text) / len(names)

"""meshd's own RateLimit: how many requests a machine takes or sends."""

from collections.abc import Mapping
from typing import Literal, get_args

import attrs

from meshd.model.checks import one_line
from meshd.model.destination_rule import read_selector
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields

LimitDirection = Literal["inbound", "outbound"]
Period = Literal["second", "minute", "hour", "day"]

SECONDS: Mapping[str, float] = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
MOST = 2**31 - 1


@attrs.frozen
class RateLimit:
    """
    meshd's RateLimit (meshd.io/v1): requests beyond it are answered with 429.

    Attributes:
        metadata: Identity.
        selector: Labels of machines; empty for all of the namespace, or of the mesh in its root namespace.
        direction: Which requests count: those that come to the machine, or those that leave it; at an edge proxy all are both.
        hosts: Only requests to these, as VirtualServices name hosts; empty for all.
        routes: Only requests that take these, by the names of a VirtualService's rules; empty for all.
        requests: How many, in each period.
        period: Seconds.
        burst: How many may come at once.
        headers: Every response tells limit, rest and time.
    """

    metadata: Metadata
    selector: Mapping[str, str] = attrs.field(factory=dict)
    direction: LimitDirection = "inbound"
    hosts: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    requests: int = 1
    period: float = 1.0
    burst: int = 1
    headers: bool = False


def read_rate_limit(fields: Fields, metadata: Metadata) -> tuple[RateLimit, ...]:
    """Read a RateLimit."""
    spec = fields.mapping("spec")
    selector = read_selector(spec, "selector")
    direction = spec.choice("direction", get_args(LimitDirection), "inbound")
    hosts, routes = spec.texts("hosts", check=_host), spec.texts("routes", check=_name)
    requests = spec.number("requests", 1, low=1, high=MOST, required=True)
    if not spec.raw("per"):
        spec.wrong("per", f"expected {' or '.join(SECONDS)}, got nothing")
    per = spec.choice("per", get_args(Period), "second")
    limit = RateLimit(
        metadata, selector, direction, hosts, routes, requests, SECONDS[per], spec.number("burst", requests, low=1, high=MOST), spec.flag("headers"),
    )
    spec.finish()
    return (limit,)


def _host(text: str) -> str:
    return "a host such as reviews or *.example.com" if not text or "/" in text or " " in text else one_line(text)


def _name(text: str) -> str:
    return one_line(text) if text else "a route's name"

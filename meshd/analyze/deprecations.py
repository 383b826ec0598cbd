"""Fields that Istio is to give up, or has given up."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import DEPRECATED, Finding, finding
from meshd.model.raw import items_at, value_at


def find_deprecated_fields(facts: Facts) -> Iterator[Finding]:
    """
    Find what is written in words that others have taken the place of.

    Source:
        Istio pkg/config/analysis/analyzers/deprecation/deprecation.go.
    """
    for raw in facts.raw("networking.istio.io", "VirtualService"):
        for path, rule in items_at(raw.body, "spec", "http"):
            if value_at(rule, "fault", "delay", "percent"):
                told = "HTTPRoute.fault.delay.percent is deprecated; use HTTPRoute.fault.delay.percentage"
                yield finding(raw.origin, DEPRECATED, told, path=(*path, "fault", "delay", "percent"), hint="write percentage: {value: ...} instead")
    for raw in facts.raw("networking.istio.io", "Sidecar"):
        if raw.at("spec", "outboundTrafficPolicy", "egressProxy") is not None:
            told = "OutboundTrafficPolicy.EgressProxy is deprecated; it has no replacement"
            path = ("spec", "outboundTrafficPolicy", "egressProxy")
            yield finding(raw.origin, DEPRECATED, told, path=path, hint="route unknown hosts by a VirtualService instead")

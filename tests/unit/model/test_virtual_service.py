"""What a VirtualService says of itself."""

from meshd.base.origins import Origin
from meshd.model.metadata import Metadata
from meshd.model.virtual_service import NO_HEADERS, HeaderOperations, Headers, HttpRoute, VirtualService

METADATA = Metadata("web", Origin("a.yaml"))


def test_one_without_hosts_is_a_delegate():
    """Others lead to it."""
    assert (True, False) == (VirtualService(METADATA).is_delegate, VirtualService(METADATA, ("web",)).is_delegate)


def test_rules_do_nothing_of_their_own():
    """What is not said is None or empty, so that defaults are one place's business."""
    rule = HttpRoute(origin=Origin("a.yaml"))
    assert (None, None, None, ()) == (rule.timeout, rule.retries, rule.fault, rule.mirrors)
    assert NO_HEADERS == rule.headers == Headers(HeaderOperations(), HeaderOperations())

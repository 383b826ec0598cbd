"""Fields that are given up."""

from meshd.analyze.deprecations import find_deprecated_fields
from tests.helpers.analysis import found, resource

ISTIO = "networking.istio.io/v1"


def test_finds_older_words():
    """At the field."""
    rules = "hosts: [web], http: [{fault: {delay: {percent: 5, fixedDelay: 1s}}}, {fault: {delay: {percentage: {value: 5}, fixedDelay: 1s}}}]"
    sidecar = "egress: [{hosts: ['./*']}], outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: a, port: {number: 1}}}"
    assert [
        "IST0002 v 1 spec.http[0].fault.delay.percent: Deprecated: HTTPRoute.fault.delay.percent is deprecated; use HTTPRoute.fault.delay.percentage",
        "IST0002 s 3 spec.outboundTrafficPolicy.egressProxy: Deprecated: OutboundTrafficPolicy.EgressProxy is deprecated; it has no replacement",
    ] == found(find_deprecated_fields, resource(ISTIO, "VirtualService", "v", rules), resource(ISTIO, "Sidecar", "s", sidecar))


def test_leaves_others_alone():
    """Nothing is said of what is not there."""
    assert [] == found(find_deprecated_fields, resource(ISTIO, "VirtualService", "v", "hosts: [web]"), resource(ISTIO, "Sidecar", "s", ""))

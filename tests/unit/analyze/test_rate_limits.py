"""Tests of RateLimits that limit nothing."""

from meshd.analyze.rate_limits import find_idle_limits
from tests.helpers.analysis import WEB, found, node
from tests.helpers.small_worlds import to, virtual


def limit(spec, namespace="default"):
    """Write a RateLimit."""
    metadata = f"{{name: limit, namespace: {namespace}}}"
    return f"{{apiVersion: meshd.io/v1, kind: RateLimit, metadata: {metadata}, spec: {{requests: 5, per: second, {spec}}}}}"


def test_finds_selectors_that_choose_no_machine():
    """Machines of the limit's namespace count; in the root namespace all do."""
    machine = node("web-1", "app: web")
    selected = "selector: {matchLabels: {app: web}}"
    assert ['IST0101 limit 3 spec.selector: Referenced selector not found: "app=wbe"'] == found(
        find_idle_limits, machine, limit("selector: {matchLabels: {app: wbe}}"),
    )
    assert [] == found(find_idle_limits, machine, limit(selected))
    assert 1 == len(found(find_idle_limits, machine, limit(selected, "other")))
    assert [] == found(find_idle_limits, machine, limit(selected, "istio-system"))


def test_finds_services_that_are_not_there():
    """Hosts outside the mesh's domain, those of services, and those that a VirtualService routes are left alone."""
    routed = virtual("v", f"hosts: [virtual], http: [{{{to('web')}}}]")
    hosts = "hosts: [web, wbe, virtual, www.example.com, web.other.svc.cluster.local]"
    assert [
        'IST0101 limit 5 spec.hosts[1]: Referenced host not found: "wbe"',
        'IST0101 limit 5 spec.hosts[4]: Referenced host not found: "web.other.svc.cluster.local"',
    ] == found(find_idle_limits, WEB, routed, limit(hosts))


def test_finds_routes_that_no_rule_is_called():
    """Rules of VirtualServices have names, and so have their matches; those that nobody made have some of their own."""
    rules = f"http: [{{name: slow, match: [{{name: get, uri: {{prefix: /a}}}}], {to('web')}}}, {{{to('web')}}}]"
    routes = "routes: [slow, slow.get, default, slow.put, fast]"
    assert [
        'IST0101 limit 5 spec.routes[3]: Referenced route not found: "slow.put"',
        'IST0101 limit 5 spec.routes[4]: Referenced route not found: "fast"',
    ] == found(find_idle_limits, WEB, virtual("v", f"hosts: [web], {rules}"), limit(routes))

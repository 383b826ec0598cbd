"""VirtualServices: names completed, delegates resolved, seen from namespaces."""

import pytest

from meshd.compile import virtual_services
from meshd.compile.virtual_services import resolved_services, seen_by
from meshd.model.mesh import DEFAULT_MESH
from meshd.model.world import World
from tests.helpers.resources import complaints_of, resources_of
from tests.helpers.services import mesh
from tests.helpers.small_worlds import to, virtual


def resolved(*documents):
    """Give the VirtualServices of a world, and what is told of them."""
    text = "\n---\n".join(documents)
    assert [] == [line for line in complaints_of(text) if line.startswith("error")]
    found, problems = resolved_services(World().changed(resources_of(text)), DEFAULT_MESH)
    return found, [problem.message for problem in problems]


def year(number):
    """Write when a resource was made."""
    return f", creationTimestamp: '{number}-01-01T00:00:00Z'"


@pytest.mark.parametrize(
    ("host", "full"),
    [
        ("web", "web.default.svc.cluster.local"), ("web.other", "web.other"), ("WWW.Example.COM", "www.example.com"), ("'*.example'", "*.example"),
        ("10.0.0.1", "10.0.0.1"), ("'fd00::1'", "fd00::1"),
    ],
)
def test_hosts_are_completed(host, full):
    """Those without a dot are services of the VirtualService's namespace; so are destinations and mirrors."""
    name = host[0] not in "'1"
    destination, mirror = (to(host), f"mirror: {{host: {host}}}, ") if name else (to("web"), "")
    (found,), problems = resolved(virtual("v", f"hosts: [{host}], http: [{{{mirror}{destination}}}], tcp: [{{{destination}}}]"))
    assert ((full,), []) == (found.hosts, problems)
    if name:
        places = [found.http[0].destinations[0], found.http[0].mirrors[0], found.tcp[0].destinations[0]]
        assert [full] * 3 == [place.destination.host for place in places]


@pytest.mark.parametrize(
    ("gateway", "full"),
    [("mesh", "mesh"), ("edge", "shop/edge"), ("other/edge", "other/edge"), ("./edge", "shop/edge"), ("edge.other.svc.cluster.local", "other/edge")],
)
def test_gateways_are_completed(gateway, full):
    """Of the VirtualService, and of matches."""
    spec = f"hosts: [web.example], gateways: [{gateway}], http: [{{match: [{{uri: {{prefix: /a}}, gateways: [{gateway}]}}], {to('web')}}}]"
    (found,), _problems = resolved(virtual("v", spec, namespace="shop"))
    assert ((full,), (full,)) == (found.gateways, found.http[0].matches[0].gateways)


def test_without_gateways_it_is_for_the_mesh():
    """And its matches follow it."""
    (found,), _problems = resolved(virtual("v", f"hosts: [web], http: [{{match: [{{port: 80}}], {to('web')}}}]"))
    assert (("mesh",), ()) == (found.gateways, found.http[0].matches[0].gateways)


def test_the_oldest_is_first():
    """Then by name."""
    rule = f"hosts: [web], http: [{{{to('web')}}}]"
    found, _problems = resolved(virtual("c", rule, year(2021)), virtual("b", rule, year(2022)), virtual("a", rule, year(2022)))
    assert ["c", "a", "b"] == [service.metadata.name for service in found]


@pytest.mark.parametrize(
    ("default", "seen"),
    [
        (("*",), ["private", "shared", "public"]),
        ((".",), ["private", "shared"]),
        (("~",), ["private", "shared"]),
    ],
)
def test_who_sees_them(default, seen):
    """Own private ones first, then those exported to the namespace, then public ones; those of other gateways never."""
    rule = f"hosts: [web.example], http: [{{{to('web')}}}]"
    documents = (
        virtual("public", rule, year(2020), "other"), virtual("shared", f"{rule}, exportTo: [shop]", year(2021), "other"),
        virtual("private", f"{rule}, exportTo: ['.']", year(2022), "shop"), virtual("hidden", f"{rule}, exportTo: ['.']", year(2019), "other"),
        virtual("edge", f"{rule}, gateways: [edge]", year(2019), "other"),
    )
    found, _problems = resolved(*documents)
    settings = mesh(default_virtual_service_export_to=default)
    assert seen == [service.metadata.name for service in seen_by(found, "shop", "mesh", settings)]
    edge = ["edge"] if default == ("*",) else []
    assert edge == [service.metadata.name for service in seen_by(found, "shop", "other/edge", settings)]


def test_own_routes_of_the_gateway_api_come_before_other_public_ones():
    """However old those are; Istio's annotation makes a VirtualService one of them."""
    rule = f"hosts: [web.example], http: [{{{to('web')}}}]"
    semantics = ", annotations: {internal.istio.io/route-semantics: gateway}"
    documents = (
        virtual("old", rule, year(2020), "other"), virtual("theirs", rule, year(2021) + semantics, "other"),
        virtual("ours", rule, year(2022) + semantics, "shop"),
    )
    found, _problems = resolved(*documents)
    assert ["ours", "old", "theirs"] == [service.metadata.name for service in seen_by(found, "shop", "mesh", mesh())]


ROOT = ("hosts: [web.example], http: [{name: root, match: [{uri: {prefix: /a}}], delegate: {name: d%s}}, "
        "{name: rest, route: [{destination: {host: web}}]}]")
PART = (f"http: [{{name: one, match: [{{uri: {{prefix: /a/1}}}}], {to('one')}}}, {{name: two, {to('two')}}}, "
        f"{{match: [{{uri: {{prefix: /b}}}}], {to('never')}}}]")


def test_delegates_stand_in_their_roots_place():
    """Narrowed to what the root matches; short names are of the delegate's namespace, and it does not stand by itself."""
    (found,), problems = resolved(virtual("v", ROOT % ", namespace: other"), virtual("d", PART, namespace="other"))
    assert ["root-one", "root-two", "rest"] == [route.name for route in found.http]
    assert ["/a/1", "/a"] == [route.matches[0].uri.value for route in found.http[:2]]
    assert ["one.other.svc.cluster.local", "two.other.svc.cluster.local"] == [route.destinations[0].destination.host for route in found.http[:2]]
    assert [] == problems


def test_a_delegate_is_of_the_same_namespace_by_default():
    """Another one of the same name does not count."""
    documents = virtual("v", ROOT % ""), virtual("d", PART), virtual("d", f"http: [{{name: wrong, {to('never')}}}]", namespace="other")
    (found,), _problems = resolved(*documents)
    assert ["root-one", "root-two", "rest"] == [route.name for route in found.http]


@pytest.mark.parametrize(
    "delegate",
    [
        (), (virtual("d", PART, namespace="other"),), (virtual("d", f"{PART}, exportTo: [other]"),),
        (virtual("d", f"hosts: [x.example], {PART}"),),
    ],
)
def test_a_rule_without_its_delegate_falls_away(delegate):
    """There is none, or it is elsewhere, or not for it to see, or stands by itself; that is told."""
    found, problems = resolved(virtual("v", ROOT % ""), *delegate)
    root = next(service for service in found if service.metadata.name == "v")
    assert ["rest"] == [route.name for route in root.http]
    assert ["expected a VirtualService default/d without hosts, exported here, found none; the rule has no effect"] == problems


def test_delegates_do_not_multiply_for_ever(monkeypatch):
    """Each rule that delegates has all of the delegate's; one too many has none, which is told."""
    monkeypatch.setattr(virtual_services, "MAX_JOINED", 5)
    rules = ", ".join(f"{{match: [{{uri: {{prefix: /{number}}}}}], delegate: {{name: d}}}}" for number in range(3))
    part = ", ".join(f"{{name: n{number}, {to('web')}}}" for number in range(2))
    found, problems = resolved(virtual("v", f"hosts: [web.example], http: [{rules}]"), virtual("d", f"http: [{part}]"))
    assert (4, ["expected at most 5 rules with those of delegates, got more; the rule has no effect"]) == (len(found[0].http), problems)

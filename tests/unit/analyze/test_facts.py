"""Tests of what analyzers ask of a World."""

import pytest

from meshd.analyze.facts import Facts, scopes
from meshd.model.world import World
from tests.helpers.resources import resources_of
from tests.helpers.small_worlds import istio, svc

FACTS = Facts(World().changed(resources_of("\n---\n".join((
    svc("open", "{name: http, port: 80}"),
    svc("private", "{name: http, port: 80}", meta=", annotations: {networking.istio.io/exportTo: .}"),
    istio("ServiceEntry", "any", "hosts: ['*.example.com'], ports: [{number: 80, name: http, protocol: HTTP}]"),
    istio("DestinationRule", "open", "host: open, subsets: [{name: v1}]"),
    istio("DestinationRule", "all", "host: '*.default.svc.cluster.local', subsets: [{name: v2}]"),
)))))
SUFFIX = ".default.svc.cluster.local"


@pytest.mark.parametrize(
    ("host", "exported", "own", "expected"),
    [
        ("open" + SUFFIX, (), "elsewhere", ["open"]),
        ("private" + SUFFIX, (), "default", ["private"]),
        ("private" + SUFFIX, (), "elsewhere", []),
        ("private" + SUFFIX, (".",), "default", ["private"]),
        ("private" + SUFFIX, ("elsewhere",), "default", []),
        ("private" + SUFFIX, ("elsewhere", "default"), "default", ["private"]),
        ("www.example.com", (), "default", ["*.example.com"]),
        ("*.eu.example.com", (), "default", ["*.example.com"]),
        ("example.com", (), "default", []),
    ],
)
def test_finds_services_as_a_namespace_sees_them(host, exported, own, expected):
    """The exact host first, then wildcards that cover it; only services that one of the namespaces sees."""
    assert expected == [service.name for service in FACTS.services_at(host, exported, own)]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("open" + SUFFIX, True), ("www.example.com", True), ("*" + SUFFIX, True), ("*.example.com", True), ("*.local", True),
        ("*.org", False), ("x", False),
    ],
)
def test_tells_whether_a_host_covers_a_service(host, expected):
    """A name, or a wildcard that any service is below."""
    assert expected == FACTS.covers_service(host)


def test_finds_subsets_of_rules_that_cover_a_host():
    """Those of the host's own rule, and of rules for wildcards."""
    assert FACTS.has_subset("open" + SUFFIX, "v1") and FACTS.has_subset("open" + SUFFIX, "v2")
    assert not FACTS.has_subset("private" + SUFFIX, "v1")


@pytest.mark.parametrize(
    ("exported", "expected"), [((), ["*"]), (("*", "a"), ["*"]), ((".", "a", "own"), ["own", "a"])],
)
def test_gives_the_namespaces_that_see_a_resource(exported, expected):
    """A dot is the own one, a star all of them, and nothing is all of them, too."""
    assert expected == scopes(exported, "own")

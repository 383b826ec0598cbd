"""Backends of the Gateway API's routes."""

import pytest

from meshd.base.origins import Origin
from meshd.compile.kube_backends import NOWHERE, find_backends, find_grants
from meshd.model.kube_references import BackendRef
from meshd.model.virtual_service import Destination
from meshd.model.world import World
from tests.helpers.gateway_api import kube
from tests.helpers.resources import resources_of
from tests.helpers.small_worlds import host, istio, svc

ORIGIN = Origin("a.yaml", 7, "HTTPRoute", "default", "route")


def world_of(*documents):
    """Give a World."""
    return World().changed(resources_of("\n---\n".join(documents)))


WORLD = world_of(
    svc("web", "{name: http, port: 80}"),
    istio("ServiceEntry", "out", "hosts: [a.example], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS"),
)


@pytest.mark.parametrize(
    ("backend", "expected", "said"),
    [
        (BackendRef("Service", "web", 80), Destination(host("web"), "", 80), ""),
        (BackendRef("ServiceImport", "web", 80), Destination(host("web"), "", 80), ""),
        (BackendRef("Service", "gone", 80), Destination(host("gone"), "", 80), "got Service default/gone, found none"),
        (BackendRef("Service", "web", 80, "prod"), Destination("web.prod.svc.cluster.local", "", 80), "got Service prod/web, found none"),
        (BackendRef("Hostname", "a.example", 80), Destination("a.example", "", 80), ""),
        (BackendRef("Hostname", host("web"), 80), Destination(host("web"), "", 80), ""),
        (BackendRef("Hostname", "b.example", 80), Destination("b.example", "", 80), "got Hostname b.example, found none"),
        (BackendRef("", "pool", 80), NOWHERE, ""),
    ],
)
def test_finds_where_a_backend_leads(backend, expected, said):
    """What is not there is told, once for each place."""
    backends = find_backends(WORLD, WORLD.mesh)
    assert expected == backends.destination("HTTPRoute", backend, ORIGIN, granted=False)
    backends.destination("HTTPRoute", backend, ORIGIN, granted=False)
    assert ([f"expected a backend that is there, {said}; its share of traffic fails"] if said else []) == [
        problem.message for problem in backends.problems
    ]


@pytest.mark.parametrize(
    ("kind", "target", "name", "allowed"),
    [
        ("HTTPRoute", "{group: '', kind: Service}", "web", True),
        ("HTTPRoute", "{group: '', kind: Service, name: web}", "web", True),
        ("HTTPRoute", "{group: '', kind: Service, name: other}", "web", False),
        ("HTTPRoute", "{group: '', kind: Secret}", "web", False),
        ("HTTPRoute", "{group: a.com, kind: Service}", "web", False),
        ("TCPRoute", "{group: '', kind: Service}", "web", False),
    ],
)
def test_grants_are_for_a_kind_and_namespace(kind, target, name, allowed):
    """And perhaps a name; what is in the same namespace needs none."""
    grant = kube("ReferenceGrant", "g", f"from: [{{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}}], to: [{target}]", "", "b")
    grants = find_grants(world_of(grant))
    assert allowed == grants.allow(kind, "a", "Service", "b", name)
    assert grants.allow(kind, "b", "Service", "b", name)


def test_without_a_grant_a_backend_leads_nowhere():
    """And the hint says what is missing."""
    backends = find_backends(WORLD, WORLD.mesh)
    assert NOWHERE == backends.destination("HTTPRoute", BackendRef("Service", "web", 80, "prod"), ORIGIN, granted=True)
    assert ["write a ReferenceGrant in prod from HTTPRoute in default to Service web"] == [problem.hint for problem in backends.problems]

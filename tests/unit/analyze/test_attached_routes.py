"""Routes of the Gateway API that lead to nothing."""

from meshd.analyze.attached_routes import find_unmet_references
from tests.helpers.analysis import WEB, found, resource

ROUTE = ("gateway.networking.k8s.io/v1", "HTTPRoute", "r")


def test_finds_parents_and_backends():
    """Each by its field, with what to do."""
    parents = "parentRefs: [{name: nowhere}, {group: '', kind: Service, name: web}]"
    told = found(find_unmet_references, WEB, resource(*ROUTE, f"{parents}, rules: [{{backendRefs: [{{name: wbe, port: 80}}]}}]"))
    assert [
        "MESHD009 r 3 spec.parentRefs[0]: expected a parent that is there, got Gateway default/nowhere, found no such listener of Istio's class; "
        "the route is not attached there",
        "MESHD009 r 3 spec.rules: expected a backend that is there, got Service default/wbe, found none; its share of traffic fails",
    ] == told


def test_nothing_is_said_of_what_is_there():
    """Nor where there are no routes."""
    parents = "parentRefs: [{group: '', kind: Service, name: web}]"
    assert [] == found(find_unmet_references, WEB, resource(*ROUTE, f"{parents}, rules: [{{backendRefs: [{{name: web, port: 80}}]}}]"))
    assert [] == found(find_unmet_references, WEB)

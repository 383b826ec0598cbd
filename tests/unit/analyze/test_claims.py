"""Routes by claims that nobody checks."""

import pytest

from meshd.analyze.claims import find_unchecked_claims
from tests.helpers.analysis import found, resource
from tests.helpers.edge import gateway, server

GATEWAY = gateway("edge", server(80, "HTTP", "a.test"))
CHECK = ("security.istio.io/v1", "RequestAuthentication", "r")


def routes(match, more=""):
    """Write a VirtualService with one match."""
    return resource("networking.istio.io/v1", "VirtualService", "v", f"hosts: [a.test], gateways: [edge]{more}, http: [{{match: [{match}]}}]")


@pytest.mark.parametrize(("match", "key"), [
    ("{headers: {'@request.auth.claims.foo': {exact: a}}}", "@request.auth.claims.foo"),
    ("{withoutHeaders: {'@request.auth.claims[a][b]': {exact: a}}}", "@request.auth.claims[a][b]"),
    ("{headers: {x-a: {exact: a}}}", ""),
])
def test_finds_conditions_on_claims(match, key):
    """At a gateway for which there is no RequestAuthentication."""
    told = found(find_unchecked_claims, GATEWAY, routes(match))
    assert bool(key) == bool(told)
    assert all(f"(key: {key}) but found no request authentication for the gateway (default/edge)" in line for line in told)


@pytest.mark.parametrize(("namespace", "spec", "checked"), [
    ("default", "", True), ("istio-system", "", True), ("other", "", False), ("default", "selector: {matchLabels: {app: other}}", False),
])
def test_who_checks(namespace, spec, checked):
    """One of the gateway's machines, of its namespace or the root."""
    match = "{headers: {'@request.auth.claims.foo': {exact: a}}}"
    assert checked == (not found(find_unchecked_claims, GATEWAY, routes(match), resource(*CHECK, spec, namespace)))

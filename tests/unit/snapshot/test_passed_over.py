"""Rules that are not for a machine, from what an operator writes to what `explain` says of them."""

import pytest

from meshd.base.origins import Origin
from meshd.explain.call import Call
from meshd.explain.interpreter import explain
from meshd.snapshot.filter_chain import FilterChain, FilterChainMatch
from meshd.snapshot.network_filter import TcpProxy
from meshd.snapshot.passed_over import PassedOver
from meshd.snapshot.route import DirectResponse, Route, RouteMatch
from meshd.snapshot.wire_values import build_reader, build_writer
from tests.helpers.edge import EDGE_NODE, gateway, server
from tests.helpers.small_worlds import NODE, compiled, eps, istio, svc, to, virtual

WEB = (svc("web", "{name: http, port: 80}"), eps("web", "{name: http, port: 8080}", "{addresses: [10.1.0.1]}"))
ENTRY = istio(
    "ServiceEntry", "db", "hosts: [db.test], addresses: [10.9.9.9], resolution: STATIC, endpoints: [{address: 10.1.0.2}], "
    "ports: [{number: 9000, name: tcp, protocol: TCP}, {number: 9443, name: tls, protocol: TLS}]")
TO_DB = "route: [{destination: {host: db.test}}]"
HERE, OTHER = "sourceLabels: {app: self}", "sourceLabels: {app: other}"
LABELS = "it is for clients with labels that this machine has not: app=other"


def passed(world, **call):
    """Give the rules that were passed over on the way of a call, with the reasons."""
    asked, problems = Call.from_json(call)
    assert asked is not None, problems
    return [(step.step, step.why) for step in explain(world.snapshot, asked).steps if "rule " in step.step and not step.matched and step.origin]


@pytest.mark.parametrize(("match", "why"), [
    ("port: 81", "it is for port 81, not 80"), ("gateways: [a/b, c/d]", "it is for gateways that are not this one: a/b, c/d"), (OTHER, LABELS),
    ("sourceNamespace: other", "it is for clients of namespace other, not default"),
])
def test_rules_for_requests(match, why):
    """Before the rule that decides, whatever it decides by; behind it nothing is looked at."""
    rules = f"{{name: skip, match: [{{{match}}}], {to('web')}}}, {{match: [{{{HERE}}}], {to('web')}}}, {{match: [{{{match}}}], {to('web')}}}"
    world = compiled(NODE, *WEB, virtual("v", f"hosts: [web], http: [{rules}]"))
    assert [("rule 1 skip", why)] == passed(world, port=80, authority="web")


def test_a_virtual_service_of_which_nothing_is_for_this_machine():
    """The service goes its usual way, and it is told why."""
    world = compiled(NODE, *WEB, virtual("v", f"hosts: [web], http: [{{match: [{{{OTHER}}}], {to('web')}}}, {{match: [{{port: 7}}], {to('web')}}}]"))
    assert [("rule 1", LABELS), ("rule 2", "it is for port 7, not 80")] == passed(world, port=80, authority="web")


def test_rules_at_gateways():
    """One VirtualService may be for the mesh and for gateways, rule by rule."""
    rules = f"{{match: [{{gateways: [mesh]}}], {to('web')}}}, {{match: [{{gateways: [edge]}}], {to('web')}}}"
    world = compiled(EDGE_NODE, *WEB, gateway("edge", server(80, "HTTP", "web.test")), virtual(
        "v", f"hosts: [web.test], gateways: [mesh, edge], http: [{rules}]"))
    assert [("rule 1", "it is for gateways that are not this one: mesh")] == passed(
        world, direction="gateway", address="10.0.0.9", port=80, authority="web.test")


@pytest.mark.parametrize(("more", "kind", "call"), [
    ("TCP", "tcp", {"protocol": "tcp"}), ("TLS", "tls", {"protocol": "tls", "sni": "db.test"}),
])
def test_rules_for_connections_at_gateways(more, kind, call):
    """As in the mesh."""
    name = ", sniHosts: [db.test]" if kind == "tls" else ""
    rules = f"{{match: [{{port: 7{name}}}], {TO_DB}}}, {{match: [{{port: 9500{name}}}], {TO_DB}}}"
    tls = "tls: {mode: PASSTHROUGH}" if kind == "tls" else ""
    world = compiled(EDGE_NODE, ENTRY, gateway("edge", server(9500, more, "db.test", tls)), virtual(
        "v", f"hosts: [db.test], gateways: [edge], {kind}: [{rules}]"))
    assert [(f"{kind} rule 1", "it is for port 7, not 9500")] == passed(world, direction="gateway", address="10.0.0.9", port=9500, **call)


@pytest.mark.parametrize(("kind", "call"), [
    ("tcp", {"protocol": "tcp", "port": 9000}), ("tls", {"protocol": "tls", "port": 9443, "sni": "db.test"}),
])
def test_rules_for_connections(kind, call):
    """Of TLS by its name, and of other bytes."""
    name = ", sniHosts: [db.test]" if kind == "tls" else ""
    rules = f"{{match: [{{{OTHER}{name}}}], {TO_DB}}}, {{match: [{{{HERE}{name}}}], {TO_DB}}}"
    world = compiled(NODE, ENTRY, virtual("v", f"hosts: [db.test], {kind}: [{rules}]"))
    assert [(f"{kind} rule 1", LABELS)] == passed(world, address="10.9.9.9", **call)


@pytest.mark.parametrize("value", [
    Route("r", RouteMatch(), DirectResponse(200), passed_over=(PassedOver("rule 1", "why", (Origin("a.yaml", 3),)),)),
    FilterChain("c", FilterChainMatch(), TcpProxy("p", "c"), passed_over=(PassedOver("tcp rule 1", "why"),)),
])
def test_workers_get_them(value):
    """As part of what they serve by, so that whoever asks them is told the same."""
    kind = type(value)
    written = build_writer(kind)
    assert written is not None
    assert value == build_reader(kind)(written(value))

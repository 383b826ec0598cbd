"""Snapshots that build on the last one: the same as those that do not, whatever changed in between."""

import random

import attrs
import pytest

from meshd.compile.compiler import CompileSettings, compile_snapshot
from meshd.compile.endpoint_changes import Compilation
from meshd.model.node import Node
from meshd.model.world import World
from tests.helpers.resources import resources_of
from tests.helpers.services import HERE, machine, pod, port, service, slice_of
from tests.helpers.small_worlds import NODE, eps, host, istio, svc, to

SERVICES = (
    NODE,
    svc("web", "{name: http, port: 80}", "10.9.0.1"),
    svc("api", "{name: http, port: 80}, {name: tcp, port: 81}", "10.9.0.2", ", selector: {app: api}"),
    svc("none", "{name: tcp, port: 90}", "None"),
    istio("DestinationRule", "api", "host: api, subsets: [{name: v1, labels: {version: v1}}]"),
    istio("ServiceEntry", "vms", "hosts: [vms.test], ports: [{number: 80, name: http, protocol: HTTP}], resolution: STATIC, "
          "workloadSelector: {labels: {app: vm}}"),
    istio("ServiceEntry", "direct", "hosts: [direct.test], ports: [{number: 70, name: tcp, protocol: TCP}], resolution: STATIC, "
          "workloadSelector: {labels: {app: vm}}"),
    istio("DestinationRule", "direct", "host: direct.test, trafficPolicy: {loadBalancer: {simple: PASSTHROUGH}}"),
    istio("ServiceEntry", "named", "hosts: [named.test], ports: [{number: 443, name: tcp, protocol: TCP}], resolution: DNS, "
          "workloadSelector: {labels: {app: named}}"),
)
ADDRESSES = ("10.1.0.1", "10.1.0.2", "10.0.0.9")  # the last one is the machine's own


def step(chance: random.Random) -> str:
    """Write one document that may change."""
    address = chance.choice(ADDRESSES)
    kind = chance.choice(("web", "api", "none", "absent", "entry", "entry", "name", "rule", "virtual", "peers", "sidecar"))
    if kind == "entry":
        labels = f"{{app: {chance.choice(('vm', 'api', 'other'))}, version: {chance.choice(('v1', 'v2'))}}}"
        return istio("WorkloadEntry", chance.choice("ab"), f"address: {address}, labels: {labels}")
    if kind == "name":
        return istio("WorkloadEntry", "c", f"address: {chance.choice('xy')}.test, labels: {{app: named}}")
    if kind == "rule":
        return istio("DestinationRule", "web", f"host: web, subsets: [{{name: {chance.choice('xy')}, labels: {{version: v1}}}}]")
    if kind == "virtual":
        return istio("VirtualService", "web", f"hosts: [web], http: [{{{to(chance.choice(('web', 'api', 'vms.test')))}}}]")
    if kind == "peers":
        mode = chance.choice(("STRICT", "DISABLE"))
        return f"{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {{name: peers}}, spec: {{mtls: {{mode: {mode}}}}}}}"
    if kind == "sidecar":
        return istio("Sidecar", "own", f"egress: [{{hosts: [./{chance.choice(('*', host('web'), 'vms.test'))}]}}]")
    listed = f"{{addresses: [{address}], conditions: {{ready: {chance.choice(('true', 'false'))}}}}}"
    return eps(kind, f"{{name: {chance.choice(('http', 'tcp'))}, port: {chance.choice((8080, 8081))}}}", listed, number=chance.choice((1, 2)))


@pytest.mark.parametrize("seed", range(20))
def test_the_way_to_a_world_does_not_matter(seed):
    """Random changes, some at a time: what builds on the last snapshot equals what is compiled from nothing."""
    chance = random.Random(seed)
    world = World().changed(resources_of("\n---\n".join(SERVICES)))
    node = world.all(Node)[0]
    compilation = Compilation()
    for _ in range(25):
        for _ in range(chance.choice((1, 1, 2))):
            found = resources_of(step(chance))
            world = world.changed(remove=found) if chance.random() < 0.25 else world.changed(found)
        whole, next_one = compile_snapshot(world, node), compilation.compile(world, node)
        assert (whole, list(whole.snapshot.endpoints)) == (next_one, list(next_one.snapshot.endpoints))


def changed_parts(*resources, of=()) -> list[str]:
    """Compile a world, then one with other resources; name the parts that were built anew."""
    world = World().changed([service("web", port(80, "http")), service("db", port(90, "tcp"), address="10.9.0.2"),
                             slice_of("web", {"http": 8080}, "10.1.0.1"), *of])
    compilation = Compilation()
    before, after = (compilation.compile(one, machine()).snapshot for one in (world, world.changed(resources)))
    return [part for part in ("listeners", "routes", "clusters", "endpoints") if getattr(before, part) is not getattr(after, part)]


def test_an_endpoint_that_moves_leaves_the_rest_alone():
    """Only the endpoints are another mapping, and of those only the service's are other objects."""
    assert ["endpoints"] == changed_parts(slice_of("web", {"http": 8080}, "10.1.0.2"))
    assert ["endpoints"] == changed_parts(slice_of("absent", {"http": 8080}, "10.1.0.2"))


def test_unchanged_endpoints_stay_the_same_objects():
    """A push sends what is another object and differs; equal ones are taken over."""
    world = World().changed([service("web", port(80, "http")), slice_of("web", {"http": 8080}, "10.1.0.1"), service("api", port(80, "http"))])
    compilation = Compilation()
    first = compilation.compile(world, machine()).snapshot.endpoints
    again = compilation.compile(world.changed([slice_of("web", {"http": 8080, "other": 1}, "10.1.0.1")]), machine()).snapshot.endpoints
    assert [True, True] == [first[name] is again[name] for name in first]


@pytest.mark.parametrize("moved", [
    service("new", port(80)), pod("p", "10.1.0.1", {"version": "v1"}), slice_of("web", {"http": 8080}, HERE),
])
def test_whatever_matters_to_more_is_compiled_whole(moved):
    """Another service; a pod, whose labels endpoints have; an endpoint that is this machine."""
    assert "listeners" in changed_parts(moved)


def test_another_machine_or_setting_is_compiled_whole():
    """Nothing is taken over then."""
    world = World().changed([service("web", port(80, "http"))])
    node = machine()
    compilation = Compilation()
    first = compilation.compile(world, node).snapshot
    assert first.clusters is compilation.compile(world, attrs.evolve(node)).snapshot.clusters
    assert first.clusters is not compilation.compile(world, machine("10.0.0.7")).snapshot.clusters
    other = compilation.compile(world, machine("10.0.0.7"), CompileSettings("/elsewhere")).snapshot
    assert "/elsewhere/access.log" in {log.path for one in other.listeners.values() for log in one.access_logs}


@pytest.mark.parametrize(("document", "taken_over"), [
    (istio("VirtualService", "web", "hosts: [web], http: [{route: [{destination: {host: api}}]}]"), True),
    (istio("DestinationRule", "web", "host: web, trafficPolicy: {loadBalancer: {simple: RANDOM}}"), True),
    (svc("new", "{name: http, port: 80}", "10.9.0.7"), False),
])
def test_rules_leave_endpoints_alone(document, taken_over):
    """What changes no service takes the very endpoints over, but for those whose cluster's policy is another."""
    world = World().changed(resources_of("\n---\n".join((*SERVICES, eps("api", "{name: http, port: 8080}", "{addresses: [10.1.0.1]}")))))
    node, compilation = world.all(Node)[0], Compilation()
    before = compilation.compile(world, node).snapshot.endpoints
    world = world.changed(resources_of(document))
    found = compilation.compile(world, node)
    assert compile_snapshot(world, node) == found
    assert taken_over == all(found.snapshot.endpoints[name] is one for name, one in before.items() if host("api") in name)

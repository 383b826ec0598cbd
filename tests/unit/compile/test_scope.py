"""What a machine sees, as its Sidecar narrows it."""

import pytest

from meshd.compile.node import read_proxy
from meshd.compile.scope import find_scope, find_sidecar
from meshd.compile.services import all_services
from meshd.model.world import World
from tests.helpers.resources import complaints_of, resources_of
from tests.helpers.services import machine, mesh
from tests.helpers.small_worlds import istio, svc, to, virtual


def elsewhere(name, ports="{name: http, port: 80}", namespace="other"):
    """Write a service in another namespace."""
    return svc(name, ports).replace("namespace: default", f"namespace: {namespace}")


def entry(name, hosts, namespace="default"):
    """Write a ServiceEntry."""
    ports = "ports: [{number: 80, name: http, protocol: HTTP}]"
    return istio("ServiceEntry", name, f"hosts: [{hosts}], resolution: DNS, {ports}", namespace=namespace)


SERVICES = (
    svc("a", "{name: http, port: 80}, {name: tcp, port: 90}"), svc("b", "{name: http, port: 81}"), elsewhere("c"), entry("e", "www.example.com"),
)
RULES = (
    virtual("va", f"hosts: [a], http: [{{{to('a')}}}]"), virtual("vc", f"hosts: [c], http: [{{{to('c')}}}]", namespace="other"),
    virtual("vx", f"hosts: ['*.example.com'], http: [{{{to('b, port: {number: 81}')}}}]"),
)


def world_of(*documents):
    """Give a World; its documents are right."""
    text = "\n---\n".join(documents)
    assert [] == [line for line in complaints_of(text) if line.startswith("error")]
    return World().changed(resources_of(text))


def scope_of(*documents):
    """Give what the machine sees."""
    world = world_of(*documents)
    node, settings = machine(), mesh()
    return find_scope(all_services(world), world, read_proxy(node, settings, "/log", find_sidecar(world, node, settings)))


def seen(*listeners, more=()):
    """Give what each egress listener sees: first parts of the hosts with ports, then names of VirtualServices; and for what there are clusters."""
    scope = scope_of(*SERVICES, *RULES, *more, istio("Sidecar", "s", f"egress: [{', '.join(listeners)}]"))
    found = [([shown(service) for service in one.services], [rule.metadata.name for rule in one.virtual_services]) for one in scope.egress]
    return found, [shown(service) for service in scope.services]


def shown(service):
    """Give a service as `name:port,port`."""
    return f"{service.host.partition('.')[0]}:{','.join(str(port.number) for port in service.ports)}"


def test_without_a_sidecar_everything_is_seen():
    """On every port, by one listener."""
    scope = scope_of(*SERVICES, *RULES)
    (egress,) = scope.egress
    assert (None, None, None) == (scope.sidecar, egress.listener, egress.port)
    assert ["a:80,90", "b:81", "c:80", "www:80"] == [shown(service) for service in egress.services]
    assert ["va", "vc", "vx"] == sorted(rule.metadata.name for rule in egress.virtual_services)
    assert sorted(scope.known) == sorted(service.host for service in scope.services)


def test_a_sidecar_without_egress_narrows_nothing():
    """It is for what comes in."""
    scope = scope_of(*SERVICES, istio("Sidecar", "s", "ingress: [{port: {number: 80, protocol: HTTP, name: x}, defaultEndpoint: '127.0.0.1:80'}]"))
    assert ["a:80,90", "b:81", "c:80", "www:80"] == [shown(service) for service in scope.services]
    assert scope.sidecar is not None


@pytest.mark.parametrize(
    ("hosts", "services", "rules", "clusters"),
    [
        ("'*/*'", ["a:80,90", "b:81", "c:80", "www:80"], ["va", "vc", "vx"], ["a:80,90", "b:81", "c:80", "www:80"]),
        ("./*", ["a:80,90", "b:81", "www:80"], ["va", "vx"], ["a:80,90", "b:81", "www:80"]),
        ("default/*", ["a:80,90", "b:81", "www:80"], ["va", "vx"], ["a:80,90", "b:81", "www:80"]),
        ("other/*", ["c:80"], ["vc"], ["c:80"]),
        ("'*/c.other.svc.cluster.local'", ["c:80"], ["vc"], ["c:80"]),
        ("./a.default.svc.cluster.local", ["a:80,90"], ["va"], ["a:80,90"]),
        ("'./*.default.svc.cluster.local'", ["a:80,90", "b:81"], ["va"], ["a:80,90", "b:81"]),
        ("'*/*.Example.com'", ["www:80"], ["vx"], ["b:81", "www:80"]),  # a rule leads to a service that the listener does not see
        ("~/*", [], [], []),
        ("'*/*', '~other/*'", ["a:80,90", "b:81", "www:80"], ["va", "vc", "vx"], ["a:80,90", "b:81", "c:80", "www:80"]),
        ("'./*', '~*/a.default.svc.cluster.local'", ["b:81", "www:80"], ["va", "vx"], ["a:80,90", "b:81", "www:80"]),
        ("'./*', '~default/a.default.svc.cluster.local'", ["b:81", "www:80"], ["va", "vx"], ["a:80,90", "b:81", "www:80"]),
    ],
)
def test_hosts_of_egress_listeners(hosts, services, rules, clusters):
    """By namespace and host; clusters are made for what is seen and for what its rules lead to."""
    (found,), needed = seen(f"{{hosts: [{hosts}]}}")
    assert (services, rules, clusters) == (sorted(found[0]), sorted(found[1]), sorted(needed))


def test_listeners_with_a_port():
    """They see services that have it, with that port alone; clusters are made for all ports together."""
    found, needed = seen("{hosts: ['*/*'], port: {number: 90, name: tcp, protocol: TCP}}", "{hosts: [./a.default.svc.cluster.local]}")
    assert [["a:90"], ["a:80,90"]] == [services for services, _rules in found]
    assert ["a:80,90", "b:81", "c:80"] == sorted(needed)


def test_rules_lead_to_services_beside_those_that_are_seen():
    """With the ports that they name, or all."""
    rules = f"{{{to('a, port: {number: 90}')}}}, {{mirror: {{host: b}}, {to('b')}}}"
    lead = virtual("lead", f"hosts: [www.example.com], http: [{rules}]")
    _found, needed = seen("{hosts: [./www.example.com]}", more=(lead,))
    assert ["a:90", "b:81", "www:80"] == sorted(needed)


LABELS = "workloadSelector: {labels: {app: self}}, "
ALL = "egress: [{hosts: ['*/*']}]"


def sidecar(name, spec=ALL, namespace="default", year=2020):
    """Write a Sidecar."""
    return istio("Sidecar", name, spec, f", creationTimestamp: '{year}-01-01T00:00:00Z'", namespace)


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ([], None),
        ([sidecar("s", namespace="other")], None),
        ([sidecar("root", namespace="istio-system")], "root"),
        ([sidecar("root", namespace="istio-system"), sidecar("s")], "s"),
        ([sidecar("s"), sidecar("mine", LABELS + ALL)], "mine"),
        ([sidecar("s"), sidecar("theirs", "workloadSelector: {labels: {app: other}}, " + ALL)], "s"),
        ([sidecar("theirs", "workloadSelector: {labels: {app: other}}, " + ALL)], None),
        ([sidecar("root", LABELS + ALL, "istio-system")], None),
        ([sidecar("a", year=2021), sidecar("b", year=2020)], "b"),
    ],
)
def test_which_sidecar_counts(documents, expected):
    """One that selects the machine, its namespace's, the root namespace's; the oldest of equals."""
    world = world_of(*SERVICES, *documents)
    found = find_sidecar(world, machine(labels={"app": "self"}), mesh())
    assert expected == (found and found.metadata.name)


def test_one_service_a_host():
    """The machine's own namespace's, else the first."""
    hosts = [service.namespace for service in scope_of(entry("x", "x.example", "other"), entry("x", "x.example")).services]
    assert ["default"] == hosts


def test_service_entries_of_one_host_are_one_service():
    """With the ports of all, where they find endpoints alike; the oldest has a port that two have. A Kubernetes service has its host to itself."""
    def of(name, number, resolution="DNS", host="x.example", namespace="default"):
        ports = f"ports: [{{number: {number}, name: p{number}-{name}, protocol: HTTP}}]"
        return istio("ServiceEntry", name, f"hosts: [{host}], resolution: {resolution}, {ports}", namespace=namespace)

    documents = of("a", 80), of("b", 90), of("c", 80), of("d", 70, "NONE"), of("e", 60, namespace="other")
    (found,) = scope_of(*documents).services
    assert [(80, "p80-a"), (90, "p90-b")] == [(port.number, port.name) for port in found.ports]
    (found,) = scope_of(of("a0", 81, host="a.default.svc.cluster.local"), svc("a", "{name: http, port: 80}")).services
    assert [80] == [port.number for port in found.ports]


def test_what_could_not_have_its_way_is_told():
    """Delegates that are not there."""
    missing = virtual("v", "hosts: [a], http: [{delegate: {name: d}}]")
    assert [("v", "warning")] == [(problem.origin.name, problem.severity) for problem in scope_of(*SERVICES, missing).problems]

"""Reading EndpointSlices and Endpoints."""

import pytest

from meshd.model.endpoint_slice import EndpointSlice, SliceEndpoint, SlicePort
from meshd.model.world import World
from tests.helpers.resources import complaints_of, resources_of

HEAD = "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: {name: web-1, labels: {kubernetes.io/service-name: web}}\n"
ENDPOINTS = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\n"


def test_reads_a_whole_slice():
    """Every field that counts, among those that do not; what is unset stays unset."""
    text = HEAD + (
        "addressType: IPv4\nports: [{name: http, port: 80, appProtocol: http}, {port: 53, protocol: UDP}]\nendpoints:\n"
        "- {addresses: [10.0.0.1, 10.0.0.2], conditions: {ready: false, serving: true, terminating: true}, hostname: web-0,"
        " targetRef: {kind: Pod, name: web-abc, namespace: default}, nodeName: n1, zone: z1, hints: {forZones: []}, deprecatedTopology: {}}\n"
        "- {addresses: [10.0.0.3], targetRef: {kind: Node, name: n}}\n"
    )
    [found] = resources_of(text)
    assert isinstance(found, EndpointSlice)
    expected = EndpointSlice(
        found.metadata,
        "web",
        "IPv4",
        (SlicePort(80, "http", "TCP", "http"), SlicePort(53, "", "UDP")),
        (
            SliceEndpoint(("10.0.0.1", "10.0.0.2"), False, True, True, "web-0", "web-abc", "n1", "z1"),
            SliceEndpoint(("10.0.0.3",)),
        ),
    )
    assert (expected, []) == (found, complaints_of(text))


def test_reads_the_older_version():
    """discovery.k8s.io/v1beta1 has the zone in its topology, and IPv4 where nothing is said."""
    text = HEAD.replace("/v1\n", "/v1beta1\n") + (
        "endpoints: [{addresses: [10.0.0.1], topology: {topology.kubernetes.io/zone: z1, kubernetes.io/hostname: h}}]\n"
    )
    [found] = resources_of(text)
    assert isinstance(found, EndpointSlice)
    assert ("IPv4", "z1", []) == (found.address_type, found.endpoints[0].zone, complaints_of(text))


@pytest.mark.parametrize(
    ("kind", "address", "expected"),
    [
        ("IPv6", "'FD00::0001'", "fd00::1"),
        ("FQDN", "db.example.com", "db.example.com"),
    ],
)
def test_reads_other_address_types(kind, address, expected):
    """IPv6 in its canonical form, names as they are."""
    [found] = resources_of(f"{HEAD}addressType: {kind}\nendpoints: [{{addresses: [{address}]}}]\n")
    assert isinstance(found, EndpointSlice)
    assert (expected,) == found.endpoints[0].addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "endpoints: []\n", "warning 1 addressType: expected IPv4 or IPv6 or FQDN, got nothing; it is taken as IPv4; "
         "Kubernetes would refuse it"),
        (HEAD + "addressType: ipv4\n", "error 4 addressType: expected IPv4 or IPv6 or FQDN, got 'ipv4'; did you mean IPv4?"),
        (HEAD + "addressType: IPv4\nendpoints: [{addresses: ['::1']}]\n", "error 5 endpoints[0].addresses[0]: expected an IPv4 address, got '::1'"),
        (HEAD + "addressType: IPv6\nendpoints: [{addresses: [1.2.3.4]}]\n",
         "error 5 endpoints[0].addresses[0]: expected an IPv6 address, got '1.2.3.4'"),
        (HEAD + "addressType: IPv4\nendpoints: [{addresses: []}]\n", "error 5 endpoints[0].addresses: expected at least one address, got none"),
        (HEAD + "addressType: IPv4\nendpoints: [{}]\n", "error 5 endpoints[0].addresses: expected at least one address, got none"),
        (HEAD + "addressType: IPv4\nendpoints: [{addresses: [127.0.0.1]}]\n",
         "warning 5 endpoints[0].addresses: expected an address that other machines can reach, got 127.0.0.1"),
        (HEAD + "addressType: IPv4\nports: [{name: a}]\n",
         "warning 5 ports[0].port: expected a number, got nothing; this port is not used; name the port"),
        (HEAD + "addressType: IPv4\nports: [{port: 1}, {port: 2}]\n",
         "warning 5 ports[1].name: expected each name once, got no name in ports[0] too; "
         "rename one, Kubernetes would refuse it"),
        (HEAD + "addressType: IPv4\nendpoints: [{addresses: [1.2.3.4], conditions: {raedy: true}}]\n",
         "warning 5 endpoints[0].conditions.raedy: expected a known field, got raedy, which is ignored; did you mean ready?"),
        (HEAD.replace("kubernetes.io/service-name", "other") + "addressType: IPv4\n",
         "warning 3 metadata.labels: expected the label kubernetes.io/service-name, got none, so that these endpoints belong to no service; "
         "set it to the service's name"),
        (ENDPOINTS + "subsets: [{addresses: [{ip: x}]}]\n", "error 4 subsets[0].addresses[0].ip: expected an IP address, got 'x'"),
        (ENDPOINTS + "subsets: [{addresses: [{}]}]\n", "error 4 subsets[0].addresses[0].ip: expected an IP address, got nothing"),
        (ENDPOINTS + "subsets: [{address: []}]\n",
         "warning 4 subsets[0].address: expected a known field, got address, which is ignored; did you mean addresses?"),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(text, expected):
    """Each with its field; a warning leaves the slice in use."""
    assert [expected] == complaints_of(text)


@pytest.mark.parametrize(("address", "expected"), [("10.0.0.1", "IPv4"), ("'::1'", "IPv6"), ("db.example.com", "FQDN")])
def test_guesses_a_missing_address_type(address, expected):
    """By the first address; Kubernetes would have refused it, Istio takes it."""
    [found] = resources_of(f"{HEAD}endpoints: [{{addresses: [{address}]}}]\n")
    assert isinstance(found, EndpointSlice)
    assert expected == found.address_type


def test_reads_endpoints():
    """A slice for each subset and address family; those that are not ready say so."""
    text = ENDPOINTS + (
        "subsets:\n- addresses: [{ip: 10.0.0.1, hostname: a, nodeName: m, targetRef: {kind: Pod, name: p}}, {ip: 'fd00::1'}]\n"
        "  notReadyAddresses: [{ip: 10.0.0.2}]\n  ports: [{name: http, port: 80}]\n- addresses: [{ip: 10.0.0.3}]\n  ports: [{port: 81}]\n"
    )
    found = [resource for resource in resources_of(text) if isinstance(resource, EndpointSlice)]
    assert [] == complaints_of(text)
    assert ["web#0/IPv4", "web#0/IPv6", "web#1/IPv4"] == [part.metadata.name for part in found]
    assert [("web", True)] * 3 == [(part.service, part.from_endpoints) for part in found]
    assert (SliceEndpoint(("10.0.0.1",), True, hostname="a", pod="p", node_name="m"), SliceEndpoint(("10.0.0.2",), False)) == found[0].endpoints
    assert [(80, "http"), (80, "http"), (81, "")] == [(part.ports[0].port, part.ports[0].name) for part in found]


def test_endpoints_and_a_slice_of_one_name_stand_side_by_side():
    """The World keeps both; the slice wins for the service."""
    slice_text = HEAD.replace("web-1", "web") + "addressType: IPv4\nendpoints: [{addresses: [10.0.0.9]}]\n"
    world = World().changed(resources_of(ENDPOINTS + "subsets: [{addresses: [{ip: 10.0.0.1}]}]\n---\n" + slice_text))
    assert 2 == len(world.all(EndpointSlice))
    assert ["web"] == [found.metadata.name for found in world.slices_of("default", "web")]

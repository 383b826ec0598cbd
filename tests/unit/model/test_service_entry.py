"""Reading ServiceEntries as Istio validates them."""

import pytest

from meshd.base.locality import Locality
from meshd.model.service_entry import EntryPort, ServiceEntry
from meshd.model.workload_entry import Workload
from tests.helpers.networking import SERVICE_ENTRY, read, wrong
from tests.helpers.resources import complaints_of, resources_of


def test_reads_a_whole_service_entry():
    """Every field but the selector, which stands in the place of endpoints."""
    found = read(ServiceEntry, SERVICE_ENTRY)
    expected = ServiceEntry(
        found.metadata,
        ("a.example.com", "*.b.example.com"),
        ("192.0.2.1", "192.0.2.128/25"),
        (EntryPort(80, "http", "HTTP", 8080), EntryPort(443, "tls", "TLS")),
        "MESH_INTERNAL",
        "STATIC",
        (Workload("10.0.0.1", {"http": 8080}, {"app": "web"}, "n1", Locality("eu", "a", "b"), 5, "web"), Workload("unix:///run/web.sock")),
        {},
        ("~",),
        ("spiffe://td/ns/a/sa/b",),
    )
    assert expected == found
    assert [] == wrong(ServiceEntry, SERVICE_ENTRY)


def test_reads_an_empty_one():
    """A host is enough; a selector may stand for endpoints."""
    found = read(ServiceEntry, "{hosts: [a.com], resolution: STATIC, workloadSelector: {labels: {app: a}}}")
    assert ServiceEntry(found.metadata, ("a.com",), resolution="STATIC", selector={"app": "a"}) == found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec.hosts: expected at least one host, got none"]),
        ("{hosts: 0}", ["error spec.hosts: expected a list, got the number 0; begin each item with '- '"]),
        ("{hosts: ['*']}", ["error spec.hosts[0]: expected a host, * alone is none, got '*'"]),
        ("{hosts: [a b]}", ["error spec.hosts[0]: expected a DNS name, or one with * in the place of its first label, got 'a b'"]),
        ("{hosts: ['*a.example.com'], resolution: NONE}", [
            "warning spec.hosts[0]: expected * in the place of a whole label, got *a.example.com, which covers unwanted names",
        ]),
        ("{hosts: [a.com], addresses: [x]}", ["error spec.addresses[0]: expected an IP address, or a range such as 10.0.0.0/8, got 'x'"]),
        ("{hosts: [a.com], ports: [{}]}", [
            "error spec.ports[0].number: expected a number from 1 to 65535, got nothing",
            "error spec.ports[0].name: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters), got nothing",
        ]),
        ("{hosts: [a.com], ports: [{number: 80, name: a}, {number: 80, name: a}]}", [
            "error spec.ports[1].name: expected each name once, got a twice",
            "error spec.ports[1].number: expected each port once, got 80 twice",
        ]),
        ("{hosts: [a.com], ports: [{number: 80, name: a, protocol: FTP}]}", [
            "error spec.ports[0].protocol: expected a protocol such as HTTP or TCP, got 'FTP'",
        ]),
        ("{hosts: [a.com], location: INSIDE}", ["error spec.location: expected MESH_EXTERNAL or MESH_INTERNAL, got 'INSIDE'"]),
        ("{hosts: [a.com], resolution: STATIC, endpoints: [{address: a.com}]}", [
            "error spec.endpoints[0].address: expected an IP address with resolution STATIC, got 'a.com'",
        ]),
        ("{hosts: [a.com], endpoints: [{address: 10.0.0.1}]}", ["error spec.endpoints: expected no endpoints with resolution NONE, got some"]),
        ("{hosts: [a.com], workloadSelector: {labels: {a: b}}}", [
            "warning spec.workloadSelector: expected another resolution than NONE beside it, which it has no effect with",
        ]),
        ("{hosts: [a.com], resolution: STATIC, workloadSelector: {labels: {a: b}}, endpoints: [{address: 10.0.0.1}]}", [
            "error spec.endpoints: expected workloadSelector or endpoints, got both",
        ]),
        ("{hosts: [a.com], resolution: DNS}", []),
        ("{hosts: ['*.a.com'], resolution: DNS}", [
            "error spec.hosts: expected names that can be looked up, with resolution DNS and no endpoints, got *.a.com; "
            "name endpoints, or set resolution NONE",
        ]),
        ("{hosts: [a.com], resolution: DNS_ROUND_ROBIN, endpoints: [{address: b.com}, {address: c.com}]}", [
            "error spec.endpoints: expected one endpoint with resolution DNS_ROUND_ROBIN, got 2",
        ]),
        ("{hosts: [a.com], resolution: DNS, endpoints: [{address: unix:///a}]}", [
            "error spec.endpoints[0].address: expected a name or IP address with resolution DNS, got a UNIX socket",
        ]),
        ("{hosts: [a.com], resolution: DNS, addresses: [10.0.0.0/8]}", [
            "error spec.addresses: expected addresses, not ranges, with resolution DNS, got a range",
        ]),
        ("{hosts: ['*.a.com'], resolution: DYNAMIC_DNS}", ["warning spec.resolution: resolution DYNAMIC_DNS is not served yet and looks no name up"]),
        ("{hosts: [a.com], resolution: DYNAMIC_DNS, addresses: [10.0.0.1], endpoints: [{address: b.com}]}", [
            "error spec.addresses: expected no addresses with resolution DYNAMIC_DNS, got some",
            "error spec.endpoints: expected no endpoints with resolution DYNAMIC_DNS, got some",
            "error spec.hosts: expected hosts that begin with *. with resolution DYNAMIC_DNS, got another",
            "warning spec.resolution: resolution DYNAMIC_DNS is not served yet and looks no name up",
        ]),
        ("{hosts: [a.com], subjectAltNames: [5]}", ["error spec.subjectAltNames[0]: expected text, got the number 5; quote it"]),
        ("{hosts: [a.com], host: a}", ["warning spec.host: expected a known field, got host, which is ignored; did you mean hosts?"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field."""
    assert expected == wrong(ServiceEntry, spec)


def test_reads_the_addresses_that_a_status_tells_of():
    """As Istio's own allocation writes them; the rest of a status is nobody's fault."""
    head = "{apiVersion: networking.istio.io/v1, kind: ServiceEntry, metadata: {name: s}, spec: {hosts: [A.test, b.test], resolution: DNS}, status: "
    listed = "{host: A.test, value: 240.240.0.1}, {host: a.test, value: '2001:2:0::1'}, {host: b.test, value: x}, {host: b.test}, 5"
    assert {"a.test": ("240.240.0.1", "2001:2::1")} == resources_of(f"{head}{{conditions: [], addresses: [{listed}]}}}}")[0].assigned
    for status in ("5", "{addresses: 5}", "{}"):
        assert {} == resources_of(f"{head}{status}}}")[0].assigned
    assert [] == complaints_of(f"{head}{{addresses: [{listed}]}}}}")

"""Reading WorkloadEntries, and endpoints of ServiceEntries with them."""

import pytest

from meshd.base.locality import Locality
from meshd.model.workload_entry import Workload, WorkloadEntry
from tests.helpers.networking import WORKLOAD_ENTRY, document, read, wrong
from tests.helpers.resources import complaints_of, resources_of


def test_reads_a_whole_workload_entry():
    """Every field."""
    found = read(WorkloadEntry, WORKLOAD_ENTRY)
    assert Workload("10.0.0.1", {"http": 8080}, {"app": "web"}, "n1", Locality("eu", "a", "b"), 5, "web") == found.workload


def test_metadata_labels_win():
    """As with Istio, where both count."""
    text = document("WorkloadEntry", "{address: 10.0.0.1, labels: {app: a, tier: b}}").replace("name: web", "name: web, labels: {app: c}")
    [found] = resources_of(text)
    assert isinstance(found, WorkloadEntry)
    assert {"app": "c", "tier": "b"} == found.workload.labels


@pytest.mark.parametrize(
    ("annotation", "status", "healthy"),
    [
        ("'true'", "{conditions: [{type: Healthy, status: 'True'}]}", True),
        ("'true'", "{conditions: [{type: Ready, status: 'True'}, {type: Healthy, status: 'False'}]}", False),
        ("'true'", "{conditions: [{type: Ready, status: 'True'}]}", False),
        ("'true'", "{conditions: [1, {type: Healthy, status: true}]}", False),
        ("'true'", "[]", False),
        ("'true'", "{conditions: 1}", False),
        ("'false'", "{conditions: [{type: Healthy, status: 'False'}]}", True),
        ("'yes'", "{}", True),
    ],
)
def test_health_counts_where_it_is_asked_for(annotation, status, healthy):
    """As with Istio: one that has not been found healthy yet is not, and a status of another shape says nothing."""
    named = f"name: web, annotations: {{proxy.istio.io/health-checks-enabled: {annotation}}}"
    text = document("WorkloadEntry", "{address: 10.0.0.1}").replace("name: web", named)
    [found] = resources_of(f"{text}\nstatus: {status}\n")
    assert isinstance(found, WorkloadEntry)
    assert (healthy, []) == (found.healthy, complaints_of(f"{text}\nstatus: {status}\n"))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{address: '::ffff:10.0.0.1'}", Workload("10.0.0.1")),
        ("{address: web.example.com}", Workload("web.example.com")),
        ("{address: 'unix://@web'}", Workload("unix://@web")),
        ("{network: n1}", Workload("", network="n1")),
        ("{address: 10.0.0.1, labels: {istio-locality: eu.a}}",
         Workload("10.0.0.1", labels={"istio-locality": "eu.a"}, locality=Locality("eu", "a"))),
        ("{address: 10.0.0.1, locality: us, labels: {istio-locality: eu.a}}",
         Workload("10.0.0.1", labels={"istio-locality": "eu.a"}, locality=Locality("us"))),
    ],
)  # fmt: skip
def test_reads_addresses_and_localities(spec, expected):
    """A locality may stand in a label."""
    assert expected == read(WorkloadEntry, spec).workload


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec.address: expected an address, got nothing"]),
        ("{network: a}", ["warning spec.address: expected an address, got a network alone; there is no gateway to it yet"]),
        ("{address: 5}", ["error spec.address: expected text, got the number 5; quote it"]),
        ("{address: a b}", ["error spec.address: expected an IP address, a DNS name or unix:///path, got 'a b'"]),
        ("{address: '*.a'}", ["error spec.address: expected an IP address, a DNS name or unix:///path, got '*.a'"]),
        ("{address: unix://a}", ["error spec.address: expected a UNIX socket such as unix:///run/web.sock, got 'unix://a'"]),
        ("{address: unix:///a/}", ["error spec.address: expected a UNIX socket such as unix:///run/web.sock, got 'unix:///a/'"]),
        ("{address: unix:///a, ports: {a: 1}}", [
            "error spec.ports: expected no ports beside a UNIX socket, got some",
        ]),
        ("{address: 10.0.0.1, ports: {A_b: 1}}", [
            "error spec.ports.A_b: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters) as key",
        ]),
        ("{address: 10.0.0.1, ports: {a: 0}}", ["error spec.ports.a: expected a number from 1 to 65535, got the number 0"]),
        ("{address: 10.0.0.1, ports: [1]}", ["error spec.ports: expected a mapping, got a list"]),
        ("{address: 10.0.0.1, labels: {a: 5}}", ["error spec.labels.a: expected text, got the number 5; quote it"]),
        ("{address: 10.0.0.1, labels: 5}", ["error spec.labels: expected a mapping, got the number 5"]),
        ("{address: 10.0.0.1, locality: a/b/c/d}", ["error spec.locality: expected region/zone/subzone, got 'a/b/c/d'"]),
        ("{address: 10.0.0.1, weight: -1}", ["error spec.weight: expected a number from 0 to 4294967295, got the number -1"]),
        ("{address: 10.0.0.1, serviceAccount: A b}", [
            "error spec.serviceAccount: expected a name of lower-case letters, digits, '-' and '.' (RFC 1123 subdomain, at most 253 "
            "characters), got 'A b'",
        ]),
        ("{address: 10.0.0.1, adress: a}", ["warning spec.adress: expected a known field, got adress, which is ignored; did you mean address?"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field."""
    assert expected == wrong(WorkloadEntry, spec)

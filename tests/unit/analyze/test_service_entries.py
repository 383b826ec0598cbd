"""Tests of ServiceEntries."""

import pytest

from meshd.analyze.service_entries import find_conflicting_entries, find_missing_addresses
from tests.helpers.analysis import found
from tests.helpers.small_worlds import istio


def entry(name, more="", protocol="TCP", hosts="out.example.com", meta="", namespace="default"):
    """Write a ServiceEntry."""
    return istio("ServiceEntry", name, f"hosts: ['{hosts}'], ports: [{{number: 80, name: p, protocol: {protocol}}}]{more}", meta, namespace)


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        (entry("e"), True),
        (entry("e", protocol="tcp"), True),
        (entry("e", protocol="HTTP"), False),
        (entry("e", ", addresses: [10.0.0.1]"), False),
        (entry("e", ", resolution: DNS"), False),
        (entry("e", ", resolution: DNS", meta=", labels: {networking.istio.io/enable-autoallocate-ip: 'false'}"), True),
        (entry("e", ", resolution: STATIC, endpoints: [{address: 10.0.0.1}]", hosts="*.example.com"), True),
    ],
)
def test_finds_ports_that_cannot_be_told_apart(document, missing):
    """TCP without an address, where none is given by itself."""
    expected = ["IST0134 e 1 spec.ports[0]: ServiceEntry addresses are required for this protocol."]
    assert expected * missing == found(find_missing_addresses, document)


def test_finds_entries_that_disagree():
    """About the protocol of one host's port, as one namespace sees them."""
    said = (
        'spec.ports: Multiple ServiceEntries (default/one, other/two) define the same host "out.example.com" and port 80 with conflicting '
        "protocols (HTTP, TCP)."
    )
    two = entry("two", protocol="HTTP", namespace="other")
    assert [f"IST0177 one 1 {said}", f"IST0177 two 3 {said}"] == found(find_conflicting_entries, entry("one"), two)
    assert [f"IST0177 one 1 {said}", f"IST0177 two 3 {said}"] == found(find_conflicting_entries, entry("one", ", exportTo: [.]"), two)
    assert [] == found(find_conflicting_entries, entry("one", ", exportTo: [.]"), entry("two", ", exportTo: [.]", "HTTP", namespace="other"))

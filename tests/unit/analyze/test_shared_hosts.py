"""Tests of VirtualServices that claim the same host."""

from meshd.analyze.shared_hosts import find_conflicting_hosts
from tests.helpers.analysis import found
from tests.helpers.small_worlds import to, virtual

SAID = (
    "spec.hosts[0]: The VirtualServices {} associated with mesh gateway define the same host {} which can lead to undefined behavior. "
    "This can be fixed by merging the conflicting VirtualServices into a single resource."
)


def claim(name, host, more="", namespace="default"):
    """Write a VirtualService of a host."""
    return virtual(name, f"hosts: [{host}], http: [{{{to('web')}}}]{more}", namespace=namespace)


def test_finds_two_for_one_host():
    """Short names and full ones are the same host; each VirtualService is told once."""
    full = "web.default.svc.cluster.local"
    said = SAID.format("default/one,other/two", f"*/{full}")
    assert [f"IST0109 one 1 {said}", f"IST0109 two 3 {said}"] == found(
        find_conflicting_hosts, claim("one", "web"), claim("two", full, namespace="other"), claim("three", "web", ", gateways: [edge]"),
    )


def test_what_a_namespace_keeps_to_itself_meets_what_all_see():
    """Not what another namespace keeps to itself."""
    own, public = claim("one", "a.example.com", ", exportTo: [.]"), claim("two", "a.example.com", namespace="other")
    said = SAID.format("default/one,other/two", "default/a.example.com")
    assert [f"IST0109 one 1 {said}", f"IST0109 two 3 {said}"] == found(find_conflicting_hosts, own, public)
    assert [] == found(find_conflicting_hosts, own, claim("two", "a.example.com", ", exportTo: [.]", "other"))

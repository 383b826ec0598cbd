"""Tests of VirtualServices that claim the same host."""

from meshd.analyze.facts import Rules
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


def test_thousands_of_claims_on_one_host_are_gone_through_once(monkeypatch):
    """Half of them seen by all, half by their own namespaces: what is done for each does not grow with their number."""
    counts = []
    for size in (50, 200):
        public = [claim(f"p{number}", "a.example.com", namespace=f"n{number}") for number in range(size)]
        private = [claim(f"o{number}", "a.example.com", ", exportTo: [.]", f"n{number}") for number in range(size)]
        asked = []
        monkeypatch.setattr(Rules, "name", property(lambda rules, asked=asked: asked.append(1) or str(rules.full.metadata.origin)))
        assert 2 * size == len(found(find_conflicting_hosts, *public, *private))
        counts.append(len(asked) / size)
    assert counts[1] < 1.5 * counts[0]

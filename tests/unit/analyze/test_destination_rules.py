"""Tests of DestinationRules."""

import pytest

from meshd.analyze.destination_rules import find_rule_hosts, find_unchecked_servers
from tests.helpers.analysis import WEB, found, pod
from tests.helpers.small_worlds import eps, istio


def rule(spec, more=""):
    """Write a DestinationRule."""
    return istio("DestinationRule", "rule", f"{spec}{more}")


def test_finds_hosts_that_no_service_has():
    """A wildcard above a service is fine."""
    assert ["IST0174 rule 3 spec.host: The host gone defined in the DestinationRule does not match any services in the mesh."] == found(
        find_rule_hosts, WEB, rule("host: gone"),
    )
    assert [] == found(find_rule_hosts, WEB, rule("host: web"))
    assert [] == found(find_rule_hosts, WEB, rule("host: '*.local'"))


def test_finds_subsets_that_nothing_belongs_to():
    """Pods that the service chooses count, and endpoints; where clients choose the address, nothing does."""
    subsets = rule("host: web, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}, {name: other, labels: {app: api}}]")
    said = "The Subset {} defined in the DestinationRule does not select any pods. Which may lead to 503 UH (NoHealthyUpstream)."
    slices = eps("web", "{name: http, port: 80}", "{addresses: [10.1.0.2]}")
    world = (WEB, pod("one", "app: web, version: v1"), pod("two", "version: v2", address="10.1.0.2"), slices, subsets)
    assert [f"IST0173 rule 9 spec.subsets[2]: {said.format('other')}"] == found(find_rule_hosts, *world)
    entry = istio("ServiceEntry", "out", "hosts: [out.example.com], ports: [{number: 80, name: http, protocol: HTTP}]")
    assert [] == found(find_rule_hosts, entry, rule("host: out.example.com, subsets: [{name: v1, labels: {a: b}}]"))


@pytest.mark.parametrize(
    ("policy", "more", "expected"),
    [
        ("tls: {mode: SIMPLE}", "", ["IST0128 rule 1 spec.trafficPolicy.tls: DestinationRule default/rule in namespace default has TLS mode set to "
                                     "SIMPLE but no caCertificates are set to validate server identity for host: web"]),
        ("portLevelSettings: [{port: {number: 80}}, {port: {number: 443}, tls: {mode: SIMPLE}}]", "",
         ["IST0129 rule 1 spec.trafficPolicy.portLevelSettings[1].tls: DestinationRule default/rule in namespace default has TLS mode set to "
          "SIMPLE but no caCertificates are set to validate server identity for host: web at port 443"]),
        ("tls: {mode: SIMPLE, caCertificates: /ca.pem}", "", []),
        ("tls: {mode: ISTIO_MUTUAL}", "", []),
        ("tls: {mode: SIMPLE, credentialName: c}", ", workloadSelector: {matchLabels: {app: web}}", []),
    ],
)
def test_finds_servers_that_nobody_checks(policy, more, expected):
    """TLS of one's own without authorities; a credential counts beside a selector."""
    assert expected == found(find_unchecked_servers, rule(f"host: web, trafficPolicy: {{{policy}}}", more))

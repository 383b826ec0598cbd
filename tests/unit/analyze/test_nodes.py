"""Tests of Nodes that contradict the mesh."""

from meshd.analyze.nodes import find_unanswered_names, find_undiverted_names
from tests.helpers.analysis import found, node
from tests.helpers.small_worlds import istio, mesh

VARIABLE = '{ISTIO_META_DNS_CAPTURE: "true"}'


def test_finds_machines_whose_names_nobody_answers():
    """Those that Istio's variable is for, by the mesh or a ProxyConfig, and that say no; not those that resolve names, nor edge proxies."""
    machines = (
        node("plain", "app: a", ", dns: {enabled: false}"), node("silent", "app: a"),
        node("resolving", "app: a", ", dns: {enabled: true}"), node("edge", "app: a", ", gateway: true"),
    )
    expected = (
        "MESHD005 plain 1 spec: ISTIO_META_DNS_CAPTURE gives hosts without addresses some of the mesh's, "
        "but this machine does not resolve their names"
    )
    assert [expected] == found(find_unanswered_names, *machines, mesh(f"defaultConfig: {{proxyMetadata: {VARIABLE}}}"))
    assert [expected] == found(find_unanswered_names, *machines, istio("ProxyConfig", "p", f"environmentVariables: {VARIABLE}"))
    assert [] == found(find_unanswered_names, *machines, istio("ProxyConfig", "p", f"environmentVariables: {VARIABLE}", namespace="other"))
    assert [] == found(find_unanswered_names, *machines)


def test_finds_machines_that_divert_no_questions():
    """Edge proxies, and machines without capture of what leaves them."""
    dns = ", dns: {enabled: true}"
    machines = (
        node("edge", "app: a", f", gateway: true{dns}"), node("few", "app: a", ", gateway: true, dns: {enabled: true, meshOnly: true}"),
        node("shut", "app: a", f", capture: {{enabled: false}}{dns}"),
        node("inward", "app: a", f", capture: {{outbound: false}}{dns}"), node("right", "app: a", dns), node("plain", "app: a", ", gateway: true"),
    )
    reasons = {"edge": "it is an edge proxy, which captures nothing", "inward": "it captures nothing outbound", "shut": "its capture is off"}
    said = "Names are not resolved by meshd on this machine although dns is enabled"
    assert sorted(
        f"MESHD006 {name} {line} spec.dns: {said}: {reasons[name]}, so that no question is diverted"
        for name, line in (("edge", 1), ("shut", 5), ("inward", 7))
    ) == sorted(found(find_undiverted_names, *machines))

"""Tests of Nodes that contradict the mesh."""

from meshd.analyze.nodes import find_unanswered_names
from tests.helpers.analysis import found, node
from tests.helpers.small_worlds import istio, mesh

VARIABLE = '{ISTIO_META_DNS_CAPTURE: "true"}'


def test_finds_machines_whose_names_nobody_answers():
    """Those that Istio's variable is for, by the mesh or a ProxyConfig; not those that resolve names, nor edge proxies."""
    machines = (node("plain", "app: a"), node("resolving", "app: a", ", dns: {enabled: true}"), node("edge", "app: a", ", gateway: true"))
    expected = (
        "MESHD005 plain 1 spec: ISTIO_META_DNS_CAPTURE gives hosts without addresses some of the mesh's, "
        "but this machine does not resolve their names"
    )
    assert [expected] == found(find_unanswered_names, *machines, mesh(f"defaultConfig: {{proxyMetadata: {VARIABLE}}}"))
    assert [expected] == found(find_unanswered_names, *machines, istio("ProxyConfig", "p", f"environmentVariables: {VARIABLE}"))
    assert [] == found(find_unanswered_names, *machines, istio("ProxyConfig", "p", f"environmentVariables: {VARIABLE}", namespace="other"))
    assert [] == found(find_unanswered_names, *machines)

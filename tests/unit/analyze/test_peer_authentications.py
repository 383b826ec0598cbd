"""Tests of PeerAuthentications that have no effect, or that nobody gets past."""

from meshd.analyze.peer_authentications import find_idle_peer_authentications, find_unserved_peer_authentications
from tests.helpers.analysis import found, node

WEB = node("web-1", "app: web")
OURS = "selector: {matchLabels: {app: web}}"


def policy(name, spec="", namespace="default"):
    """Write a PeerAuthentication."""
    metadata = f"{{name: {name}, namespace: {namespace}}}"
    return f"{{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {metadata}, spec: {{{spec}}}}}"


def test_finds_what_has_no_effect():
    """A selector that chooses nothing, or stands in the root namespace; the younger of two."""
    assert ['IST0101 a 3 spec.selector: Referenced selector not found: "app=wbe"'] == found(
        find_idle_peer_authentications, WEB, policy("a", "selector: {matchLabels: {app: wbe}}"))
    idle = "This PeerAuthentication has no effect"
    assert [f"MESHD007 a 3 spec.selector: {idle}: it has a selector, and its namespace istio-system is the mesh's root"] == found(
        find_idle_peer_authentications, WEB, policy("a", OURS, "istio-system"))
    assert [f"MESHD007 b 1 : {idle}: a is for the same workloads, and counts as the older one"] == found(
        find_idle_peer_authentications, policy("b"), policy("a"))
    assert [f"MESHD007 b 3 spec.selector: {idle}: a is for the same workloads, and counts as the older one"] == found(
        find_idle_peer_authentications, WEB, policy("b", OURS), policy("a", OURS))


def test_leaves_those_that_count_alone():
    """One each of the mesh, a namespace, and workloads."""
    policies = policy("a", "", "istio-system"), policy("a"), policy("b", OURS), policy("a", "", "other")
    assert [] == found(find_idle_peer_authentications, WEB, *policies)


def test_finds_what_nobody_gets_past():
    """Mutual TLS alone, of all ports or of some."""
    said = "mutual TLS is asked for, and machines of meshd have no certificates of the mesh yet"
    assert [
        f"MESHD008 a 1 spec.mtls.mode: Nobody can connect to any port: {said}",
        f"MESHD008 b 3 spec.portLevelMtls[80].mode: Nobody can connect to port 80: {said}",
    ] == found(
        find_unserved_peer_authentications, policy("a", "mtls: {mode: STRICT}"),
        policy("b", f"{OURS}, mtls: {{mode: PERMISSIVE}}, portLevelMtls: {{80: {{mode: STRICT}}, 90: {{mode: DISABLE}}}}"),
    )

"""Reading PeerAuthentications."""

import pytest

from meshd.model.peer_authentication import PeerAuthentication
from tests.helpers.resources import complaints_of, resources_of

CHOSEN = "selector: {matchLabels: {app: web}}"
MODES = "UNSET or DISABLE or PERMISSIVE or STRICT"


def document(spec, version="v1"):
    """Give a document with a spec in line 4."""
    return f"apiVersion: security.istio.io/{version}\nkind: PeerAuthentication\nmetadata: {{name: web}}\nspec: {spec}\n"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_reads_a_whole_resource(version):
    """Ports are numbers, however they are written."""
    text = document(f"{{{CHOSEN}, mtls: {{mode: STRICT}}, portLevelMtls: {{80: {{mode: DISABLE}}, '90': {{mode: UNSET}}, 100: {{}}}}}}", version)
    assert [] == complaints_of(text)
    [found] = resources_of(text)
    assert PeerAuthentication(found.metadata, {"app": "web"}, "STRICT", {80: "DISABLE", 90: None, 100: None}) == found


@pytest.mark.parametrize(("spec", "mode"), [
    ("{}", None), ("{mtls: {}}", None), ("{mtls: {mode: UNSET}}", None),
    ("{mtls: {mode: PERMISSIVE}}", "PERMISSIVE"), ("{mtls: {mode: DISABLE}}", "DISABLE"),
])
def test_a_mode_that_is_not_set(spec, mode):
    """It is the next wider resource's."""
    [found] = resources_of(document(spec))
    assert PeerAuthentication(found.metadata, mode=mode) == found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{mtls: {mode: BLAH}}", ["mtls.mode: expected UNSET or DISABLE or PERMISSIVE or STRICT, got 'BLAH'"]),
        ("{mtls: {mode: strict}}", [f"mtls.mode: expected {MODES}, got 'strict'; did you mean STRICT?"]),
        ("{mtls: {mode: 3}}", [f"mtls.mode: expected {MODES}, got the number 3"]),
        ("{mtls: STRICT}", ["mtls: expected a mapping, got 'STRICT'"]),
        ("{mtls: [STRICT]}", ["mtls: expected a mapping, got a list"]),
        ("{selector: web}", ["selector: expected a mapping, got 'web'"]),
        ("{selector: {matchLabels: {app: 5}}}", ["selector.matchLabels.app: expected text, got the number 5; quote it"]),
        ("{selector: {matchLabels: {'a*': b}}}", ["selector.matchLabels[a*]: expected a label without *, got 'a*'"]),
        ("{portLevelMtls: {80: {mode: STRICT}}}",
         ["portLevelMtls: expected a selector beside it, got none; ports are a workload's, choose it by its labels"]),
        (f"{{{CHOSEN}, portLevelMtls: {{}}}}", ["portLevelMtls: expected a port at least, got none"]),
        (f"{{{CHOSEN}, portLevelMtls: [80]}}", ["portLevelMtls: expected a mapping, got a list"]),
        (f"{{{CHOSEN}, portLevelMtls: {{acd: {{mode: STRICT}}}}}}", ["portLevelMtls.acd: expected a port from 1 to 65535, got acd"]),
        (f"{{{CHOSEN}, portLevelMtls: {{'0': {{mode: STRICT}}}}}}", ["portLevelMtls[0]: expected a port from 1 to 65535, got 0"]),
        (f"{{{CHOSEN}, portLevelMtls: {{65536: {{mode: STRICT}}}}}}", ["portLevelMtls[65536]: expected a port from 1 to 65535, got 65536"]),
        (f"{{{CHOSEN}, portLevelMtls: {{'-1': {{mode: STRICT}}}}}}", ["portLevelMtls[-1]: expected a port from 1 to 65535, got -1"]),
        (f"{{{CHOSEN}, portLevelMtls: {{'8٠': {{mode: STRICT}}}}}}", ["portLevelMtls[8٠]: expected a port from 1 to 65535, got 8٠"]),
        (f"{{{CHOSEN}, portLevelMtls: {{80: {{}}, '080': {{}}}}}}", ["portLevelMtls[080]: expected each port once, got 80 twice"]),
        (f"{{{CHOSEN}, portLevelMtls: {{80: STRICT}}}}", ["portLevelMtls[80]: expected a mapping, got 'STRICT'"]),
        (f"{{{CHOSEN}, portLevelMtls: {{80: {{mode: ON}}}}}}", [f"portLevelMtls[80].mode: expected {MODES}, got the boolean true"]),
        ("[]", [": expected a mapping, got a list"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field; the resource is not used."""
    assert [f"error 4 spec.{line}".replace(".:", ":") for line in expected] == complaints_of(document(spec))
    assert [] == list(resources_of(document(spec)))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{selector: {}}", "selector: expected labels, got none; it is for all of the namespace, as without a selector"),
        ("{selector: {matchLabel: {app: web}}}",
         "selector.matchLabel: expected a known field, got matchLabel, which is ignored; did you mean matchLabels?"),
        ("{mtls: {mod: STRICT}}", "mtls.mod: expected a known field, got mod, which is ignored; did you mean mode?"),
        ("{portLevelMTLS: {80: {}}}", "portLevelMTLS: expected a known field, got portLevelMTLS, which is ignored; did you mean portLevelMtls?"),
    ],
)
def test_warns(spec, expected):
    """Of what says nothing; it is used all the same."""
    assert [f"warning 4 spec.{expected}"] == complaints_of(document(spec))
    assert 1 == len(resources_of(document(spec)))


def test_other_versions_are_refused():
    """Istio has these two."""
    assert ["error 1 apiVersion: expected security.istio.io/v1 or security.istio.io/v1beta1, got 'security.istio.io/v1alpha1'"] == complaints_of(
        document("{}", "v1alpha1"))

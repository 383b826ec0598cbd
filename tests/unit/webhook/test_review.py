"""Reviews and their answers."""

import base64
import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.sources.rewriting import read_mapping
from meshd.webhook.review import MAX_DEPTH, MAX_VALUES, InjectionJudge, Request, ReviewError, Verdict, judge_resource, read_review, write_review
from tests.helpers.json_patch import applied
from tests.helpers.pods import SETTINGS, pod

JUDGE = InjectionJudge(SETTINGS, read_mapping)
V1 = "admission.k8s.io/v1"


def review(**request):
    """Give a review as an API server sends it."""
    fields = {"uid": "u-1", "operation": "CREATE", "kind": {"group": "", "version": "v1", "kind": "Pod"}, "namespace": "shop", **request}
    return json.dumps({"apiVersion": V1, "kind": "AdmissionReview", "request": fields}).encode()


def answer(**request):
    """Give the response to a review of a pod."""
    found = read_review(review(**request))
    whole = json.loads(write_review(found, JUDGE(found)))
    assert (V1, "AdmissionReview", "u-1") == (whole["apiVersion"], whole["kind"], whole["response"]["uid"])
    return whole["response"]


def test_a_pod_gets_a_patch():
    """Which makes what inject makes; the audit log keeps why."""
    given_pod = pod()
    del given_pod["metadata"]["namespace"]
    response = answer(object=given_pod)
    patch = json.loads(base64.b64decode(response["patch"]))
    found = applied(copy.deepcopy(given_pod), patch)
    assert ["app", "istio-proxy"] == [one["name"] for one in found["spec"]["containers"]]
    assert "shop" == json.loads(found["metadata"]["annotations"]["meshd.io/node"])["spec"]["namespace"]
    assert (True, "JSONPatch", {"verdict": "sidecar: nothing speaks against it"}) == tuple(
        response[key] for key in ("allowed", "patchType", "auditAnnotations")
    )


@pytest.mark.parametrize(("request_fields", "note"), [
    ({"object": pod(hostNetwork=True)}, "no sidecar: it has its machine's network (hostNetwork), whose connections are not its own"),
    ({"object": {**pod(), "metadata": {"name": "web"}}, "namespace": "kube-system"}, "no sidecar: the namespace kube-system is Kubernetes' own"),
    ({"object": pod(), "operation": "UPDATE"}, "no sidecar: UPDATE changes none"),
    ({"object": pod(), "operation": None}, "no sidecar: no operation changes none"),
    ({"object": pod(), "subResource": "ephemeralcontainers"}, "no sidecar: CREATE changes none"),
])
def test_a_pod_without_a_sidecar(request_fields, note):
    """Is allowed as it is."""
    response = answer(**request_fields)
    assert (True, {"verdict": note}, False) == (response["allowed"], response["auditAnnotations"], "patch" in response)


@pytest.mark.parametrize(("request_fields", "message"), [
    ({"object": pod(annotations={"sidecar.istio.io/proxyCPU": "x"})},
     "metadata.annotations[sidecar.istio.io/proxyCPU]: expected an amount such as 100m or 128Mi, got 'x'"),
    ({"object": None}, "expected a Pod, got Pod; the webhook's rules are to name pods alone"),
    ({"object": pod(), "kind": {"group": "apps", "kind": "Deployment"}},
     "expected a Pod, got Deployment; the webhook's rules are to name pods alone"),
    ({"object": pod(), "kind": 3}, "expected a Pod, got nothing; the webhook's rules are to name pods alone"),
    ({"object": {}}, "spec.containers: expected at least one container, got none"),
    ({"object": {"metadata": 3, "spec": []}}, "metadata: expected a mapping, got the number 3; spec: expected a mapping, got a list; spec.containers:"
                                              " expected at least one container, got none"),
])
def test_a_pod_that_is_refused(request_fields, message):
    """With what is wrong."""
    response = answer(**request_fields)
    assert (False, message, 400) == (response["allowed"], response["status"]["message"], response["status"]["code"])


def test_warnings_are_bounded():
    """An API server takes so many, each on a line."""
    annotations = {f"sidecar.istio.io/odd{number}": "x" for number in range(30)}
    assert 10 == len(answer(object=pod(annotations=annotations))["warnings"])
    written = json.loads(write_review(Request("u", "", ("", ""), "", "", None), Verdict(True, warnings=("a\nb",))))
    assert ["a b"] == written["response"]["warnings"]


def nested(levels):
    """Give a review with a deep object."""
    body = json.loads(review())
    value = body["request"]["object"] = {}
    for _ in range(levels):
        value["a"] = value = {}
    return json.dumps(body).encode()


@pytest.mark.parametrize(("content", "said"), [
    (b"", "expected JSON, got something else"),
    (b"\xff\xfe", "expected JSON"),
    (b'{"a": NaN}', "expected JSON"),
    (b"1" * 10_000, "expected JSON"),
    (b"[" * 1_000_000, "expected JSON"),
    (review(object={"spec": {"containers": [1] * MAX_VALUES}}), f"expected at most {MAX_VALUES} values, got more"),
    (nested(MAX_DEPTH), f"expected at most {MAX_DEPTH} levels of nesting, got more"),
    (b"[]", "expected an AdmissionReview, got something else"),
    (b'{"kind": "Pod"}', "expected an AdmissionReview, got something else"),
    (b'{"kind": "AdmissionReview"}', f"expected apiVersion {V1}, got nothing"),
    (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1"}', f"expected apiVersion {V1}, got 'admission.k8s.io/v1beta1'"),
    (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}', "expected a request, got nothing"),
    (b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": []}', "expected a request, got a list"),
    (review(uid=None), "expected request.uid to be a text, got nothing"),
    (review(uid=""), "expected request.uid to be a text, got an empty text"),
    (review(uid=7), "expected request.uid to be a text, got the number 7"),
    (review(uid="u" * 1000), "expected request.uid to be a text, got 'u"),
])
def test_no_review(content, said):
    """What was expected and what was found."""
    with pytest.raises(ReviewError) as caught:
        read_review(content)
    assert str(caught.value).startswith(said)


KEYS = (
    "metadata", "spec", "containers", "initContainers", "volumes", "name", "labels", "annotations", "securityContext", "image", "ownerReferences",
    "runAsUser", "nodeSelector", "serviceAccountName", "generateName",
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(("metadata", "spec")), JSON_VALUES))
def test_any_object_is_answered(found):
    """Allowed with a patch, or refused with reasons; never an exception."""
    response = answer(object=found)
    assert response["allowed"] == ("patch" in response or response.get("auditAnnotations", {}).get("verdict", "").startswith("no sidecar"))


def resource(**request):
    """Give the verdict on a VirtualService."""
    return judge_resource(read_review(review(kind={"group": "networking.istio.io", "kind": "VirtualService"}, **request)))


GOOD = {
    "apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "a", "namespace": "shop"},
    "spec": {"hosts": ["a"], "http": [{"route": [{"destination": {"host": "a"}}]}]},
}


def test_resources_are_judged_as_meshd_reads_them():
    """Errors refuse, warnings are told."""
    assert Verdict(True) == resource(object=GOOD)
    assert Verdict(True) == resource(object={**GOOD, "spec": {}}, operation="DELETE")
    assert Verdict(True) == resource(object=None)
    bad = resource(object={**GOOD, "spec": {**GOOD["spec"], "http": [{"timeout": "soon"}]}}, operation="UPDATE")
    assert (False, True) == (bad.allowed, bad.message.startswith("spec.http[0]"))
    odd = resource(object={**GOOD, "spec": {**GOOD["spec"], "hots": []}})
    assert (True, 1) == (odd.allowed, len(odd.warnings))


WORDS = st.sampled_from(("networking.istio.io/v1", "Gateway", "VirtualService", "v1"))


@given(st.dictionaries(st.sampled_from(("apiVersion", "kind", "metadata", "spec")), JSON_VALUES | WORDS))
def test_any_resource_is_judged(found):
    """Without an exception."""
    verdict = judge_resource(Request("u", "CREATE", ("", ""), "", "", found))
    assert verdict.allowed != bool(verdict.message)

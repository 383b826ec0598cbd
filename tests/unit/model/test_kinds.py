"""The list of kinds, and documents that are none of them."""

from collections.abc import Iterator

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from meshd.base.errors import has_errors
from meshd.base.origins import Origin
from meshd.model.drafts import Identity
from meshd.model.kinds import KINDS, NOT_SERVED, identify, read_resource
from meshd.model.paths import format_path, no_lines
from meshd.model.service import Service
from tests.helpers.networking import WHOLE, document
from tests.helpers.resources import complaint, complaints_of


def test_lists_every_kind():
    """What meshd reads, and what it will."""
    assert [
        *("DestinationRule", "Endpoints", "EndpointSlice", "Gateway", "Gateway", "GatewayClass", "GRPCRoute", "HTTPRoute", "Ingress", "IngressClass"),
        *("Mesh", "Namespace", "Node", "Node", "PeerAuthentication", "Pod", "ProxyConfig", "RateLimit", "ReferenceGrant", "Secret", "Service"),
        *("ServiceEntry", "Sidecar", "TCPRoute", "TLSRoute", "VirtualService", "WorkloadEntry", "WorkloadGroup"),
    ] == sorted((kind for _, kind in KINDS), key=str.lower)
    assert [] == [pair for pair in KINDS if pair[1] in NOT_SERVED.get(pair[0], ())]


def test_reads_a_resource():
    """Origins carry kind, namespace and name, and so do Problems."""
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"clusterIP": "None", "x": 1}, "status": {"anything": 1}}
    [found], [problem] = read_resource(body, Origin("a.yaml", 3, "Service", "", "web"), lambda path: len(path))
    origin = Origin("a.yaml", 3, "Service", "default", "web")
    assert isinstance(found, Service)
    assert (origin, origin) == (found.metadata.origin, problem.origin)
    assert "a.yaml:2 (Service default/web): spec.x: expected a known field, got x, which is ignored" == str(problem)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("kind: Service\n", "error 1 apiVersion: expected a text such as v1, got nothing; every document needs apiVersion and kind"),
        ("apiVersion: v1\n", "error 1 kind: expected a text such as Service, got nothing; every document needs apiVersion and kind"),
        ("apiVersion: 1\nkind: Service\n", "error 1 apiVersion: expected text, got the number 1; quote it"),
        ("apiVersion: v2\nkind: Service\n", "error 1 apiVersion: expected v1, got 'v2'"),
        ("apiVersion: discovery.k8s.io/v2\nkind: EndpointSlice\n",
         "error 1 apiVersion: expected discovery.k8s.io/v1 or discovery.k8s.io/v1beta1, got 'discovery.k8s.io/v2'"),
        ("apiVersion: v1\nkind: Pod\nmetadata: x\n", "error 3 metadata: expected a mapping, got 'x'"),
        ("apiVersion: networking.istio.io/v2\nkind: VirtualService\nspec: {x: 1}\n",
         "error 1 apiVersion: expected networking.istio.io/v1 or networking.istio.io/v1beta1 or networking.istio.io/v1alpha3, "
         "got 'networking.istio.io/v2'"),
        ("apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\n", "warning 2 kind: WasmPlugin is not served yet and has no effect"),
        ("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n",
         "warning 2 kind: AuthorizationPolicy is not served yet and has no effect"),
        ("apiVersion: telemetry.istio.io/v1\nkind: Telemetry\n", "warning 2 kind: Telemetry is not served yet and has no effect"),
        ("apiVersion: networking.istio.io/v1alpha3\nkind: EnvoyFilter\n", "warning 2 kind: EnvoyFilter is not served yet and has no effect"),
        ("apiVersion: gateway.networking.k8s.io/v1\nkind: UDPRoute\n", "warning 2 kind: UDPRoute is not served yet and has no effect"),
        ("apiVersion: networking.istio.io/v1\nkind: VirtualServce\n",
         "warning 2 kind: expected a kind that meshd reads, got VirtualServce of networking.istio.io; it is ignored; did you mean VirtualService?"),
        ("apiVersion: network.istio.io/v1\nkind: Gateway\n", "warning 1 apiVersion: expected gateway.networking.k8s.io/... or "
         "networking.istio.io/... for Gateway, got the group network.istio.io; it is ignored"),
        ("apiVersion: v2/v1\nkind: Mesh\n", "warning 1 apiVersion: expected meshd.io/... for Mesh, got the group v2; it is ignored"),
        ("apiVersion: meshd.io/v1\nkind: Service\n", "warning 1 apiVersion: expected v1 for Service, got the group meshd.io; it is ignored"),
        ("apiVersion: apps/v1\nkind: Deployment\n", "warning 2 kind: expected a kind that meshd reads, got Deployment of apps; it is ignored; "
         "it concerns Kubernetes alone; remove it to be rid of this message"),
        ("apiVersion: example.com/v1\nkind: Thing\n", "warning 2 kind: expected a kind that meshd reads, got Thing of example.com; it is ignored"),
        ("apiVersion: v1\nkind: \"A\\nB\"\n", "warning 2 kind: expected a kind that meshd reads, got A?B; it is ignored; "
         "it concerns Kubernetes alone; remove it to be rid of this message"),
    ],
)  # fmt: skip
def test_tells_of_documents_that_are_none(text, expected):
    """One Problem each."""
    found = complaints_of(text)
    assert expected == found[0]
    assert 1 == len([line for line in found if "metadata.name" not in line])


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "b"}}, Identity("", "Service", "b", "a")),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}, Identity("", "Service", "default", "a")),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": 7}}, Identity("", "Service", "default", "a")),
        ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a", "namespace": "b"}}, Identity("", "Namespace", "", "a")),
        ({"apiVersion": "x.io/v9", "kind": "Foo", "metadata": {"name": "a"}}, Identity("x.io", "Foo", "default", "a")),
        ({"apiVersion": "v1", "kind": "Service", "metadata": {"name": 7}}, None),
        ({"apiVersion": "v1", "kind": "Service", "metadata": []}, None),
        ({"kind": "Service", "metadata": {"name": "a"}}, None),
        ({}, None),
        ([], None),
    ],
)
def test_tells_which_resource_is_meant(body, expected):
    """The version is no part of it."""
    assert expected == identify(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 2**40) | st.floats(allow_nan=False) | st.sampled_from(["", "x", "80", "10.0.0.1", "None", "::1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "port", "ip", "addresses", "x"]), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(
    st.sampled_from(
        [
            *("ports", "clusterIP", "clusterIPs", "selector", "type", "externalName", "addresses", "labels", "capture", "debounce", "workers"),
            *("containers", "podIP", "podIPs", "conditions", "locality", "accessLogFormat", "accessLogEncoding", "outboundTrafficPolicy", "user"),
            *("connectTimeout", "defaultServiceExportTo", "admin", "defaultHttpRetryPolicy", "pathNormalization", "name", "targetPort"),
        ],
    ),
    VALUES,
    max_size=6,
)


@given(st.sampled_from(sorted(KINDS)), FIELDS, FIELDS, VALUES, VALUES)
def test_no_body_raises(kind, spec, status, endpoints, labels):
    """Whatever values the fields have, the document is read or refused, never both."""
    group, name = kind
    body = {
        "apiVersion": f"{group}/v1".lstrip("/"),
        "kind": name,
        "metadata": {"name": "a", "labels": labels, "annotations": labels},
        "spec": spec,
        "status": status,
        "endpoints": endpoints,
        "subsets": [spec, status, endpoints],
        "ports": endpoints,
        "addressType": "IPv4",
    }
    resources, problems = read_resource(body, Origin("a.yaml"), no_lines)
    failed = any(problem.severity == "error" for problem in problems)
    assert not (resources and failed)
    assert [] == [problem for problem in problems if "\n" in complaint(problem)]


def _places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value within one."""
    yield path
    for part, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from _places(inner, (*path, part))


def _replaced(value: object, path: tuple[str | int, ...], new: object) -> object:
    """Return a value with another one at a path."""
    if not path:
        return new
    if isinstance(value, dict):
        return {part: _replaced(inner, path[1:], new) if part == path[0] else inner for part, inner in value.items()}
    assert isinstance(value, list)
    return [_replaced(inner, path[1:], new) if part == path[0] else inner for part, inner in enumerate(value)]


BODIES = {kind: yaml.safe_load(document(kind, spec)) for kind, spec in WHOLE.items()}
PLACES = [(kind, path) for kind, body in BODIES.items() for path in _places(body["spec"], ("spec",))]
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["*", "/", "unix://", "unix:///", "127.0.0.1:\u00b2", "0s", "9" * 5000, "(", "a" * 2000, "~/", "@request.auth.claims", "\0"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["", "*", "a", "exact", "regex", "number", "port", "host", "name"]) | st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=400)
@given(st.sampled_from(PLACES), HOSTILE)
def test_no_value_anywhere_raises(place, value):
    """Whatever stands in the place of any value of a whole resource, it is read or refused with a Problem on one line."""
    kind, path = place
    resources, problems = read_resource(_replaced(BODIES[kind], path, value), Origin("a.yaml"), no_lines)
    assert bool(resources) != any(problem.severity == "error" for problem in problems)
    assert [] == [problem for problem in problems if "\n" in complaint(problem)]


@pytest.mark.parametrize("wrong", [0, False, "", [], {}, "zz", [5], {"zz": 5}], ids=repr)
def test_no_wrong_type_is_silent(wrong):
    """A value of another type in the place of any value of a whole resource is told of at that place or below, or above where all of it fails."""
    silent = []
    for kind, path in PLACES:
        value = BODIES[kind]
        for part in path:
            value = value[part]
        numbers = isinstance(value, int | float) and isinstance(wrong, int)
        if type(value) is type(wrong) or numbers or (path[1:2] in (("environmentVariables",), ("image",))):
            continue
        _, problems = read_resource(_replaced(BODIES[kind], path, wrong), Origin("a.yaml"), no_lines)
        if not any(problem.field.startswith(format_path(path)) for problem in problems) and not has_errors(problems):
            silent.append((kind, format_path(path), value))
    assert [] == silent

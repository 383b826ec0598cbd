"""Tests of Istio's annotations."""

import pytest

from meshd.analyze.annotations import DEPRECATED, KNOWN, NOT_ALPHA, SET_BY_ISTIO, find_alpha_annotations, find_wrong_annotations
from tests.helpers.analysis import found

EXPORT = "networking.istio.io/exportTo"


def resource(kind, annotation, labels=""):
    """Write one of Kubernetes' resources with an annotation."""
    spec = ", spec: {clusterIP: None, ports: [{name: http, port: 80}]}" if kind == "Service" else ""
    return f"{{apiVersion: v1, kind: {kind}, metadata: {{name: web, labels: {{{labels}}}, annotations: {{{annotation}: 'x'}}}}{spec}}}"


@pytest.mark.parametrize(
    ("kind", "annotation", "expected"),
    [
        ("Service", EXPORT, []),
        ("Service", "example.com/anything", []),
        ("Pod", "sidecar.istio.io/logLevel", []),
        ("Namespace", "istio.io/rev", []),
        ("Service", "networking.istio.io/exportThree", ["IST0108 Unknown annotation: networking.istio.io/exportThree"]),
        ("Pod", EXPORT, [f"IST0107 Misplaced annotation: {EXPORT} can only be applied to Service, ServiceEntry"]),
        ("Namespace", "kubernetes.io/ingress.class", [
            "IST0107 Misplaced annotation: kubernetes.io/ingress.class can only be applied to Ingress",
        ]),
        ("Pod", "sidecar.istio.io/inject", [
            'IST0135 Annotation "sidecar.istio.io/inject" has been deprecated in favor of the "sidecar.istio.io/inject" label and may not work in '
            "future Istio versions.",
        ]),
    ],
)
def test_finds_annotations_that_nobody_reads(kind, annotation, expected):
    """Unknown ones, those of another kind, those out of date; other people's are their own business."""
    place = f"web 1 metadata.annotations[{annotation}]: "
    assert expected == [line.replace(place, "") for line in found(find_wrong_annotations, resource(kind, annotation))]


def test_the_label_beside_a_deprecated_annotation_will_do():
    """Its author knows."""
    assert [] == found(find_wrong_annotations, resource("Pod", "sidecar.istio.io/inject", "sidecar.istio.io/inject: 'true'"))


def test_what_is_deprecated_is_known():
    """No name is misspelt."""
    assert set(DEPRECATED) | NOT_ALPHA | SET_BY_ISTIO <= set(KNOWN)


@pytest.mark.parametrize(("kind", "annotation", "told"), [
    ("Service", EXPORT, True), ("Pod", "sidecar.istio.io/logLevel", True), ("Pod", "sidecar.istio.io/inject", False),
    ("Namespace", "istio.io/rev", False), ("Pod", "example.com/a", False), ("Pod", "traffic.sidecar.istio.io/includeInboundPorts", True),
])
def test_finds_annotations_of_alpha_features(kind, annotation, told):
    """Those that an author wrote."""
    said = f'Annotation "{annotation}" is part of an alpha-phase feature and may be incompletely supported.'
    assert [f"IST0136 web 1 metadata.annotations[{annotation}]: {said}"] * told == found(find_alpha_annotations, resource(kind, annotation))


def test_what_injection_writes_is_no_authors():
    """Where Istio's CNI plugin sets up the network of a pod."""
    name = "traffic.sidecar.istio.io/includeInboundPorts"
    pod = f"{{apiVersion: v1, kind: Pod, metadata: {{name: p, annotations: {{{name}: x}}}}, spec: {{initContainers: [{{name: istio-validation}}]}}}}"
    assert [] == found(find_alpha_annotations, pod)
    assert 1 == len(found(find_alpha_annotations, pod.replace("istio-validation", "istio-init")))

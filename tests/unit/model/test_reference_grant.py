"""Reading ReferenceGrants."""

import pytest

from meshd.model.reference_grant import GrantFrom, GrantTo, ReferenceGrant
from tests.helpers.gateway_api import read, wrong

FROM = "from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: a}]"
TO = "to: [{group: '', kind: Service}]"


def test_reads_a_grant():
    """What is referred to may be named, or not."""
    spec = f"{{{FROM}, to: [{{group: '', kind: Service, name: web}}, {{group: '', kind: Secret}}]}}"
    grant = read("ReferenceGrant", ReferenceGrant, spec)
    assert (GrantFrom("gateway.networking.k8s.io", "HTTPRoute", "a"),) == grant.origins
    assert (GrantTo("", "Service", "web"), GrantTo("", "Secret")) == grant.targets


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec.from: expected at least 1, got none", "error spec.to: expected at least 1, got none"]),
        (f"{{{FROM}, to: [{{kind: Service}}]}}", [
            "error spec.to[0].group: expected a group, or '' for that of Service and Secret, got nothing",
        ]),
        (f"{{{FROM}, to: [{{group: ''}}]}}", ["error spec.to[0].kind: expected a kind such as HTTPRoute, got nothing"]),
        (f"{{from: [{{group: a.com, kind: B}}], {TO}}}", [
            "error spec.from[0].namespace: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters), got "
            "nothing",
        ]),
        (f"{{{FROM}, {TO}, for: []}}", ["warning spec.for: expected a known field, got for, which is ignored"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field."""
    assert expected == wrong("ReferenceGrant", spec)

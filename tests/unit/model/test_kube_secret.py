"""Kubernetes' Secret."""

from base64 import b64encode

import pytest

from tests.helpers.resources import complaints_of, drafts_of, resources_of


def code(text):
    """Give a text in base64."""
    return b64encode(text.encode()).decode()


def secret(fields):
    """Write a Secret."""
    return f"{{apiVersion: v1, kind: Secret, metadata: {{name: x, namespace: web, annotations: {{last: s3cr3t}}}}, {fields}}}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (f"type: kubernetes.io/tls, data: {{tls.crt: {code('c')}, tls.key: {code('s3cr3t')}}}", ("c", "s3cr3t", "")),
        (f"data: {{cert: {code('c')}, key: {code('s3cr3t')}, cacert: {code('r')}}}", ("c", "s3cr3t", "r")),
        (f"data: {{ca.crt: {code('r')}}}, immutable: true", ("", "", "r")),
        (f"stringData: {{tls.crt: plain, tls.key: s3cr3t}}, data: {{tls.crt: {code('coded')}, tls.key: eA==}}", ("plain", "s3cr3t", "")),
    ],
)
def test_reads_certificates_and_keys(fields, expected):
    """By either of their names; keys are shown to nobody, and kubectl's copy in an annotation is dropped."""
    (found,) = resources_of(secret(fields))
    assert expected == (found.certificate, found.private_key, found.trusted_ca)
    assert ("web", "x", {}) == (found.metadata.namespace, found.metadata.name, found.metadata.annotations)
    assert "s3cr3t" not in repr(found)
    assert [] == complaints_of(secret(fields))


def test_other_secrets_are_not_kept():
    """A password is nothing to a mesh."""
    assert [] == resources_of(secret(f"type: Opaque, data: {{password: {code('s3cr3t')}}}"))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("data: {tls.crt: '##s3cr3t'}", "data[tls.crt]: expected text in base64, got something else"),
        ("data: {tls.crt: YQ==, tls.key: /w==}", "data[tls.key]: expected text in base64, got something else"),
        ("stringData: {tls.key: 31337}", "stringData[tls.key]: expected text, got something else"),
        (f"stringData: {{tls.key: {'1' * 50}}}", "stringData[tls.key]: expected a whole number of at most 64 bits"),
    ],
)
def test_says_what_is_wrong_without_what_it_is(fields, expected):
    """No value is in a message."""
    (draft,) = drafts_of(secret(fields))
    assert draft.rejected
    text = str(draft.problems[0])
    assert expected in text
    assert not any(value in text for value in ("s3cr3t", "31337", "1111", "/w=="))

"""Kubernetes Secret, as far as it holds certificates and keys; nothing of its values is in any message."""

import binascii
from base64 import b64decode
from typing import Final

import attrs

from meshd.model.metadata import Metadata
from meshd.model.reading import Fields

CERTIFICATE: Final = ("cert", "tls.crt")
PRIVATE_KEY: Final = ("key", "tls.key")
TRUSTED_CA: Final = ("cacert", "ca.crt")
"""Keys that hold them; where both are there, the first counts (Istio pilot/pkg/credentials/kube, ExtractCertInfo and ExtractRoot)."""


@attrs.frozen
class KubeSecret:
    """
    Certificates and a key, PEM.

    Attributes:
        metadata: Identity, without labels and annotations: kubectl leaves a copy of the whole in one.
        certificate: Chain.
        private_key: Of the certificate.
        trusted_ca: Roots that others' certificates must come from.
    """

    metadata: Metadata
    certificate: str = ""
    private_key: str = attrs.field(default="", repr=False)
    trusted_ca: str = ""


def read_kube_secret(fields: Fields, metadata: Metadata) -> tuple[KubeSecret, ...]:
    """Read the certificates and keys of a Secret; one that has none is nothing to a mesh."""
    fields.text("type")
    fields.raw("immutable")
    coded, plain = fields.mapping("data"), fields.mapping("stringData")
    certificate, key, roots = (_read(coded, plain, names) for names in (CERTIFICATE, PRIVATE_KEY, TRUSTED_CA))
    if not certificate and not roots:
        return ()
    bare = attrs.evolve(metadata, labels={}, annotations={})
    return (KubeSecret(bare, certificate, key, roots),)


def _read(coded: Fields, plain: Fields, names: tuple[str, ...]) -> str:
    for name in names:
        for fields in (plain, coded):
            value = fields.raw(name)
            if value is None or value == "":
                continue
            text = _decode(value, fields is coded)
            if text is None:
                fields.wrong(name, f"expected text{' in base64' if fields is coded else ''}, got something else")
            return text or ""
    return ""


def _decode(value: object, coded: bool) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return b64decode("".join(value.split()), validate=True).decode() if coded else value
    except (binascii.Error, ValueError):
        return None

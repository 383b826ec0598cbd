"""Secrets: certificates and keys by name, and the names that say which files they come from."""

from collections.abc import Iterator

import attrs

CERTIFICATE = "file-cert:"
ROOT = "file-root:"
CREDENTIAL = "kubernetes://"
GATEWAY_CREDENTIAL = "kubernetes-gateway://"
"""Of Gateways of the Kubernetes Gateway API, with the secret's namespace."""
CREDENTIAL_ROOT = "-cacert"
CHAIN, KEY, ROOTS = "tls.crt", "tls.key", "ca.crt"
"""Files of a credential, called as the keys of a Kubernetes secret."""
REVOKED = "file-crl:"
SYSTEM = f"{ROOT}system"
"""The roots that the operating system trusts."""


@attrs.frozen
class Secret:
    """A certificate chain with its key, a set of trusted roots, or lists of revoked certificates, PEM."""

    name: str
    certificate_chain: str = ""
    private_key: str = attrs.field(default="", repr=False)
    trusted_ca: str = ""
    revoked: str = ""


def certificate_name(certificate: str, private_key: str) -> str:
    """Name the secret of two files, as Istio's agent does."""
    return f"{CERTIFICATE}{certificate}~{private_key}"


def certificate_files(name: str, credentials: str) -> tuple[str, str] | None:
    """
    Give the files of a certificate and its key; None for a name that comes from no files.

    Args:
        name: Of a secret.
        credentials: Directory of those that are called by `credentialName`: a folder each, with the keys of a Kubernetes secret as files.
    """
    if name.startswith(CERTIFICATE):
        certificate, _, key = name.removeprefix(CERTIFICATE).partition("~")
        return certificate, key
    if is_credential(name):
        folder = f"{credentials}/{credential_path(name)}"
        return f"{folder}/{CHAIN}", f"{folder}/{KEY}"
    return None


def root_file(name: str, credentials: str) -> str:
    """Give the file of trusted roots; empty for a name that comes from no single file."""
    if is_credential(name) and name.endswith(CREDENTIAL_ROOT):
        return f"{credentials}/{credential_path(name).removesuffix(CREDENTIAL_ROOT)}/{ROOTS}"
    return name.removeprefix(ROOT) if name.startswith(ROOT) and name != SYSTEM else ""


def is_credential(name: str) -> bool:
    """Tell whether a secret is one that `credentialName`, or a Gateway's `certificateRefs`, call by its name."""
    return name.startswith((CREDENTIAL, GATEWAY_CREDENTIAL))


def credential_path(name: str) -> str:
    """Give the folder of such a secret: `NAME` or `NAMESPACE/NAME`."""
    return name.removeprefix(CREDENTIAL).removeprefix(GATEWAY_CREDENTIAL)


def is_safe(name: str) -> bool:
    """Tell whether the name of a credential leads nowhere but into its own folder."""
    parts = credential_path(name).split("/")
    return len(parts) <= 2 and all(part and not part.startswith(".") and "\0" not in part for part in parts)


def pem_blocks(text: str, kind: str = "CERTIFICATE") -> Iterator[str]:
    """Yield the certificates of a PEM text, or what else it holds."""
    begin, end = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
    for part in text.split(begin)[1:]:
        body, found, _ = part.partition(end)
        if found:
            yield f"{begin}{body}{end}\n"

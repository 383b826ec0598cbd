"""Whether a certificate is for a name that is asked for."""

from collections.abc import Sequence

from cryptography import x509

from meshd.telemetry.tls_facts import alternative_names


def matches(certificate: x509.Certificate, names: Sequence[str], prefixes: Sequence[str]) -> bool:
    """
    Tell whether one of a certificate's names is one of those that are asked for, or begins as asked; true where nothing is asked.

    Source:
        Envoy's DefaultCertValidator::matchSubjectAltName: DNS names of certificates may begin with `*.`, which stands for one label.
    """
    if not names and not prefixes:
        return True
    for kind, found in alternative_names(certificate):
        if found in names or any(found.startswith(prefix) for prefix in prefixes):
            return True
        if kind is x509.DNSName and any(_covers(found.lower(), name.lower()) for name in names):
            return True
    return False


def _covers(pattern: str, name: str) -> bool:
    if not pattern.startswith("*."):
        return pattern == name
    first, dot, rest = name.partition(".")
    return bool(first and dot) and rest == pattern[2:]

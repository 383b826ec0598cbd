"""The names that a certificate is for, and whether one of them is asked for."""

from collections.abc import Iterator, Sequence

from cryptography import x509


def alternative_names(certificate: x509.Certificate) -> list[tuple[type[x509.GeneralName], str]]:
    """Give a certificate's alternative names with their kinds; none where they cannot be read."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []
    return list(_texts(extension.value))


def _texts(names: x509.SubjectAlternativeName) -> Iterator[tuple[type[x509.GeneralName], str]]:
    for name in names:
        if isinstance(name, x509.DNSName | x509.UniformResourceIdentifier | x509.RFC822Name):
            yield type(name), name.value
        elif isinstance(name, x509.IPAddress):
            yield type(name), str(name.value)


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

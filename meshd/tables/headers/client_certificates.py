"""The header `x-forwarded-client-cert`: who the client is by its certificate, told to who comes behind."""

from collections.abc import Callable, Sequence
from typing import Final

from cryptography import x509

from meshd.codec.headers import Headers
from meshd.snapshot.network_filter import ClientCertDetails
from meshd.tables.headers.requests import XFCC
from meshd.telemetry.tls_facts import CertificateFacts, TlsFacts

Prepare = Callable[[Headers, TlsFacts | None], None]
"""Changes the headers of a request that came over TLS, or not."""

_CONTROLS: Final = {number: f"%{number:02X}" for number in (*range(32), 127)}
"""Authorities have signed names that hold anything; what would end a line, and begin a header, is written as URLs have it."""
_ENDS: Final = frozenset(',;"')
"""What ends a value, or the whole entry; Envoy's documentation of the header has values with them in quotes."""
_ORDER: Final = ("cert", "chain", "subject", "uri", "dns")


def build_certificates(kind: ClientCertDetails, details: Sequence[str]) -> Prepare:
    """
    Return what is done with the header.

    Args:
        kind: In Envoy's words.
        details: What is told of the certificate, beside its hash.

    Source:
        Envoy's ConnectionManagerUtility::mutateXfccRequestHeader: who shows no certificate may say nothing.
    """
    if kind == "ALWAYS_FORWARD_ONLY":
        return lambda headers, tls: None
    if kind == "SANITIZE":
        return lambda headers, tls: _drop(headers)
    told = tuple(detail for detail in _ORDER if detail in details)

    def prepare(headers: Headers, tls: TlsFacts | None) -> None:
        peer = None if tls is None else tls.peer
        if tls is None or peer is None:
            _drop(headers)
        elif kind != "FORWARD_ONLY":
            text = _entry(tls, peer, told).encode()
            before = headers.joined(XFCC) if kind == "APPEND_FORWARD" else None
            headers.set(XFCC, text if before is None else before + b"," + text)

    return prepare


def _drop(headers: Headers) -> None:
    if XFCC in headers.first:
        headers.remove(XFCC)


def _entry(tls: TlsFacts, peer: CertificateFacts, told: Sequence[str]) -> str:
    own = tls.own
    parts = [] if own is None else [f"By={_quoted(uri)}" for uri in own.names(x509.UniformResourceIdentifier)]
    parts.append(f"Hash={peer.fingerprint_256}")
    for detail in told:
        parts += _TOLD[detail](peer)
    return ";".join(parts).translate(_CONTROLS)


def _quoted(name: str) -> str:
    """Give a name so that it is one value, whatever is in it."""
    if _ENDS.isdisjoint(name):
        return name
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


_TOLD: Final[dict[str, Callable[[CertificateFacts], list[str]]]] = {
    "cert": lambda peer: [f'Cert="{peer.pem}"'],
    "chain": lambda peer: [f'Chain="{peer.pem}"'],
    "subject": lambda peer: [f'Subject="{peer.subject}"'],
    "uri": lambda peer: [f"URI={_quoted(uri)}" for uri in peer.names(x509.UniformResourceIdentifier)] or ["URI="],
    "dns": lambda peer: [f"DNS={_quoted(name)}" for name in peer.names(x509.DNSName)],
}

"""The operators of log formats that tell of TLS, towards clients and towards endpoints."""

from collections.abc import Callable
from typing import Final

from cryptography import x509

from meshd.telemetry.log_times import compile_time_format, iso_time
from meshd.telemetry.log_values import Build, Get, Surroundings, Value, never, plain, text
from meshd.telemetry.logged import Logged
from meshd.telemetry.tls_facts import CertificateFacts, TlsFacts

NOT_NOTED: Final = "meshd does not note this; it is logged as -"
NAMES: Final[dict[str, type[x509.GeneralName]]] = {
    "URI": x509.UniformResourceIdentifier, "DNS": x509.DNSName, "IP": x509.IPAddress, "EMAIL": x509.RFC822Name,
}
GROUPS: Final = {"x25519": "X25519", "secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
"""How keys were agreed on, in BoringSSL's words by OpenSSL's."""

Tls = Callable[[Logged], TlsFacts | None]
Certificate = Callable[[Logged], CertificateFacts | None]


def downstream(logged: Logged) -> TlsFacts | None:
    """Get the TLS of the client's connection."""
    return logged.connection.tls


def upstream(logged: Logged) -> TlsFacts | None:
    """Get the TLS of the connection to the endpoint."""
    return logged.upstream_tls


def _peer_of(tls: Tls) -> Certificate:
    def get(logged: Logged) -> CertificateFacts | None:
        found = tls(logged)
        return None if found is None else found.peer
    return get


def _own_of(tls: Tls) -> Certificate:
    def get(logged: Logged) -> CertificateFacts | None:
        found = tls(logged)
        return None if found is None else found.own
    return get


def _of_tls(tls: Tls, get: Callable[[TlsFacts], str]) -> Build:
    def value(logged: Logged) -> str:
        found = tls(logged)
        return "" if found is None else get(found)
    return text(value)


def _of_certificate(certificate: Certificate, get: Callable[[CertificateFacts], str]) -> Build:
    def value(logged: Logged) -> str:
        found = certificate(logged)
        return "" if found is None else get(found)
    return text(value)


def _of_chain(get: Callable[[CertificateFacts], str]) -> Build:
    return _of_tls(downstream, lambda found: ",".join(map(get, found.peers)))


def _names(certificate: Certificate, kind: type[x509.GeneralName]) -> Build:
    return _of_certificate(certificate, lambda found: ",".join(found.names(kind)))


def _moment(certificate: Certificate, get: Callable[[CertificateFacts], float]) -> Build:
    """Make the operator of a certificate's first or last moment, with a format of time as its argument."""
    def build(argument: str, surroundings: Surroundings) -> tuple[Get, str]:
        show, problems = compile_time_format(argument) if argument else (iso_time, [])

        def value(logged: Logged) -> Value:
            found = certificate(logged)
            return None if found is None else show(get(found)).encode()

        return value, "; ".join(problems)
    return build


def _of_side(side: str, tls: Tls) -> dict[str, Build]:
    """Give what there is of both sides."""
    peer, own = _peer_of(tls), _own_of(tls)
    return {
        f"{side}_TLS_VERSION": _of_tls(tls, lambda found: found.version),
        f"{side}_TLS_CIPHER": _of_tls(tls, lambda found: found.cipher),
        f"{side}_TLS_GROUP": _of_tls(tls, lambda found: GROUPS.get(found.group, found.group)),
        f"{side}_TLS_SESSION_ID": never(NOT_NOTED),
        f"{side}_PEER_SUBJECT": _of_certificate(peer, lambda found: found.subject),
        f"{side}_PEER_ISSUER": _of_certificate(peer, lambda found: found.issuer),
        f"{side}_PEER_CERT": _of_certificate(peer, lambda found: found.pem),
        f"{side}_PEER_CERT_V_START": _moment(peer, lambda found: found.first_moment.timestamp()),
        f"{side}_PEER_CERT_V_END": _moment(peer, lambda found: found.last_moment.timestamp()),
        **{f"{side}_{whose}_{name}_SAN": _names(certificate, kind)
           for whose, certificate in (("PEER", peer), ("LOCAL", own)) for name, kind in NAMES.items()},
    }


_CLIENT: Final = _peer_of(downstream)
TLS_OPERATORS: Final[dict[str, Build]] = {
    **_of_side("DOWNSTREAM", downstream),
    **{name: build for name, build in _of_side("UPSTREAM", upstream).items() if "EMAIL" not in name},
    "DOWNSTREAM_LOCAL_SUBJECT": _of_certificate(_own_of(downstream), lambda found: found.subject),
    "DOWNSTREAM_PEER_SERIAL": _of_certificate(_CLIENT, lambda found: found.serial),
    "DOWNSTREAM_PEER_FINGERPRINT_256": _of_certificate(_CLIENT, lambda found: found.fingerprint_256),
    "DOWNSTREAM_PEER_FINGERPRINT_1": _of_certificate(_CLIENT, lambda found: found.fingerprint_1),
    "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256": _of_chain(lambda found: found.fingerprint_256),
    "DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1": _of_chain(lambda found: found.fingerprint_1),
    "DOWNSTREAM_PEER_CHAIN_SERIALS": _of_chain(lambda found: found.serial),
    **dict.fromkeys(("DOWNSTREAM_PEER_OTHERNAME_SAN", "DOWNSTREAM_LOCAL_OTHERNAME_SAN"), never(NOT_NOTED)),
    "DOWNSTREAM_TRANSPORT_FAILURE_REASON": text(lambda logged: logged.connection.failure.replace(" ", "_")),
    "UPSTREAM_SERVER_NAME": _of_tls(upstream, lambda found: found.server_name),
    **dict.fromkeys(("TLS_JA3_FINGERPRINT", "TLS_JA4_FINGERPRINT"), plain(lambda logged: None)),  # Envoy has them where they are asked for
}
"""By name."""

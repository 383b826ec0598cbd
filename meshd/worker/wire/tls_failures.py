"""What OpenSSL says of a failure, in the words of Envoy's BoringSSL: log lines read the same whichever it was."""

import errno
from typing import Final

from OpenSSL import SSL

from meshd.snapshot.tls import PeerCheck

_LIBRARY: Final = 16 << 24
"""Where BoringSSL numbers what its SSL library says: ERR_PACK(ERR_LIB_SSL, reason)."""
_REASONS: Final = {
    "certificate verify failed": (125, "CERTIFICATE_VERIFY_FAILED"),
    "peer did not return a certificate": (192, "PEER_DID_NOT_RETURN_A_CERTIFICATE"),
    "wrong version number": (247, "WRONG_VERSION_NUMBER"),
    "unsupported protocol": (240, "UNSUPPORTED_PROTOCOL"),
    "no shared cipher": (186, "NO_SHARED_CIPHER"),
    "http request": (156, "HTTP_REQUEST"),
    "unexpected message": (225, "UNEXPECTED_MESSAGE"),
    "unexpected eof while reading": (137, "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"),
    "decryption failed or bad record mac": (137, "DECRYPTION_FAILED_OR_BAD_RECORD_MAC"),
    "bad record type": (222, "UNEXPECTED_RECORD"),
    "no renegotiation": (182, "NO_RENEGOTIATION"),
}
"""By OpenSSL's text: BoringSSL's number and name."""
_MORE: Final = {"PEER_DID_NOT_RETURN_A_CERTIFICATE": ":peer did not provide required client certificate"}
"""What Envoy adds."""
_ALERTS: Final = {
    "close notify": 0, "unexpected message": 10, "bad record mac": 20, "record overflow": 22, "handshake failure": 40, "no certificate": 41,
    "bad certificate": 42, "unsupported certificate": 43, "certificate revoked": 44, "certificate expired": 45, "certificate unknown": 46,
    "illegal parameter": 47, "unknown ca": 48, "access denied": 49, "decode error": 50, "decrypt error": 51, "protocol version": 70,
    "insufficient security": 71, "internal error": 80, "inappropriate fallback": 86, "user canceled": 90, "no renegotiation": 100,
    "certificate required": 116, "unrecognized name": 112, "no application protocol": 120,
}
"""Alerts of the peer by the end of OpenSSL's text (RFC 8446, section 6)."""
_OLD_ALERTS: Final = frozenset((0, 10, 20, 30, *range(40, 48)))
"""Those that SSL 3.0 had; BoringSSL's names say so."""


class Check:
    """
    The check of the other side's certificate, kept with OpenSSL's connection.

    Attributes:
        name: What the certificate has to be for; empty: what is configured says so.
        rules: What is configured for this connection; None: the same as for all that are made from its context.
        said: Why the certificate was not taken, in Envoy's words; empty: it was.
    """

    __slots__ = ("name", "rules", "said")

    def __init__(self, name: str = "", rules: PeerCheck | None = None) -> None:
        """Begin with nothing said."""
        self.name = name
        self.rules: PeerCheck | None = rules
        self.said = ""


def failure_of(error: SSL.Error, tls: SSL.Connection) -> tuple[int, str]:
    """
    Give the errno of a failure, and what was wrong in Envoy's words.

    Returns:
        0 and nothing for the end of the peer's bytes without `close_notify`; no text where the connection failed and not TLS.
    """
    if isinstance(error, SSL.SysCallError):
        code = error.args[0]
        return (code, "") if code > 0 else (0, "")
    told = "".join(map(_told, error.args[0] if error.args else []))
    check = tls.get_app_data()
    said = check.said if isinstance(check, Check) else ""
    return errno.EPROTO, f"TLS_error:{told}{f':verify cert failed: {said}' if said else ''}:TLS_error_end"


def _told(entry: tuple[str, str, str]) -> str:
    """Give one entry of OpenSSL's queue as BoringSSL has it: `|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED`."""
    reason = entry[2]
    number, name = _REASONS.get(reason) or _alert(reason) or (0, reason.upper().replace(" ", "_"))
    return f"|{_LIBRARY + number}:SSL routines:OPENSSL_internal:{name}{_MORE.get(name, '')}"


def _alert(reason: str) -> tuple[int, str] | None:
    """Find the alert that OpenSSL tells of as `ssl/tls alert unknown ca` or `tlsv1 alert unknown ca`."""
    _before, alert, name = reason.partition(" alert ")
    if not alert or name not in _ALERTS:
        return None
    number = _ALERTS[name]
    return 1000 + number, f"{'SSLV3' if number in _OLD_ALERTS else 'TLSV1'}_ALERT_{name.upper().replace(' ', '_')}"

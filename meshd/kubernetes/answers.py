"""What an API server's answers mean, and what is said where there is none."""

import json
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from OpenSSL import SSL
from twisted.internet import error
from twisted.internet.defer import CancelledError
from twisted.web.client import RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed

from meshd.base.errors import MeshError
from meshd.base.texts import printable

Json = dict[str, Any]
"""An object of the API, as read; nothing of it has been checked."""

MOST_SAID: Final = 500
"""Characters that are quoted of what a server says."""
LONGEST_WAIT: Final = 3600.0
"""Seconds that a server may ask to wait."""

_HINTS: Final = {
    401: "check the credentials of {origin}",
    403: "give the user of {origin} the permission (RBAC)",
    410: "list anew",
    429: "it is asked again later",
}


class ApiError(MeshError):
    """
    An answer that says no.

    Attributes:
        status: HTTP's, or that of the `Status` object.
        reason: Kubernetes' word for it, such as `AlreadyExists`, or HTTP's.
        message: What the server says, fit for one line.
        retry_after: Seconds that it asks to wait; None: it does not say.
    """

    def __init__(self, asked: str, status: int, reason: str = "", message: str = "", retry_after: float | None = None, hint: str = "") -> None:
        self.status = status
        self.reason = reason
        self.message = message
        self.retry_after = retry_after
        said = ": ".join(filter(None, (asked, f"{status} {reason}".strip(), message)))
        super().__init__(f"{said}; {hint}" if hint else said)


class NoAnswerError(MeshError):
    """There is no answer that could be used: nobody there, not trusted, cut, too late, too long, or not to be understood."""


def parse_object(content: bytes) -> Json:
    """
    Read an object.

    Raises:
        NoAnswerError: If it is none.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise NoAnswerError("expected an object as JSON, got something else") from None
    if not isinstance(found, dict):
        raise NoAnswerError(f"expected an object as JSON, got {'a list' if isinstance(found, list) else 'a single value'}")
    return found


def read_status(body: Mapping[str, object], asked: str, origin: str, code: int = 0, retry_after: float | None = None, secret: str = "") -> ApiError:
    """
    Give the error that a `Status` object tells of; of another object, or of none, what the code says.

    Args:
        body: The object, of an answer or of a watch's event ERROR.
        asked: What was asked for, and whom.
        origin: Where the server and the user stand.
        code: HTTP's.
        retry_after: Of the answer's head.
        secret: A token of ours, which is not told however often the server says it.
    """
    is_status = body.get("kind") == "Status"
    own, reason, message = (body.get(name) if is_status else None for name in ("code", "reason", "message"))
    status = own if isinstance(own, int) and 100 <= own <= 999 and not isinstance(own, bool) else code
    details = body.get("details")
    if retry_after is None and is_status and isinstance(details, dict):
        retry_after = bounded_wait(details.get("retryAfterSeconds"))
    hint = _HINTS.get(status, "").format(origin=origin)
    return ApiError(asked, status, _quoted(reason, secret) or phrase_of(status), _quoted(message, secret), retry_after, hint)


def phrase_of(status: int) -> str:
    """Give HTTP's words for a status; none for one that it does not know."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _quoted(value: object, secret: str = "") -> str:
    if not isinstance(value, str):
        return ""
    return printable((value.replace(secret, "...") if secret else value)[:MOST_SAID])


def bounded_wait(value: object) -> float | None:
    """Give the seconds that a server asks to wait, within reason; None where it says nothing of use."""
    if isinstance(value, bytes) and value.strip().isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return min(float(value), LONGEST_WAIT)


def explain_fault(fault: BaseException, tls_fault: str = "") -> str:
    """
    Say why there is no answer.

    Args:
        fault: One of NETWORK_FAULTS; of several that it holds the first that says something counts.
        tls_fault: What was found wrong with the server's certificate.
    """
    found = list(_unfold(fault))
    for one in found:
        if isinstance(one, SSL.Error):
            return _explain_tls(one, tls_fault)
    for one in found:
        if isinstance(one, NoAnswerError):
            return str(one)
        for kind, said in _FAULTS:
            if isinstance(one, kind):
                return said
    return f"expected an answer in HTTP, got something else ({_quoted(type(found[0]).__name__)})"


def is_cancelled(fault: BaseException) -> bool:
    """Tell whether something failed since nobody wanted it any more."""
    return any(isinstance(one, CancelledError | error.ConnectingCancelledError) for one in _unfold(fault))


def _unfold(fault: BaseException) -> Iterator[BaseException]:
    """Yield what a fault of twisted.web holds, or the fault itself."""
    reasons = getattr(fault, "reasons", None)
    if not reasons:
        yield fault
    for reason in reasons or ():
        yield from _unfold(reason.value)


def _explain_tls(fault: SSL.Error, tls_fault: str) -> str:
    parts = fault.args[0] if fault.args and isinstance(fault.args[0], list) else []
    said = ", ".join(str(part[-1]) for part in parts) or "the connection was ended"
    if "certificate verify failed" in said and tls_fault:
        return tls_fault
    if " alert " in said:
        return f"the server ended TLS ({said}); check our certificate if it asks for one"
    return f"TLS failed ({said}); check that the server speaks it"


_FAULTS: Final = (
    (TimeoutError, "expected an answer in time, got none"),
    (error.DNSLookupError, "its name cannot be resolved"),
    (error.ConnectionRefusedError, "it refuses connections; check its address, and whether it runs"),
    ((error.TimeoutError, error.TCPTimedOutError), "it cannot be reached in time; check its address, and whether it runs"),
    (error.NoRouteError, "there is no way to it; check its address"),
    ((error.ConnectionDone, error.ConnectionLost), "it ended the connection in the middle of an answer"),
    (error.ConnectError, "it cannot be reached; check its address"),
)
NETWORK_FAULTS: Final = (
    TimeoutError, error.ConnectingCancelledError, error.ConnectError, error.ConnectionClosed, error.DNSLookupError, SSL.Error,
    RequestGenerationFailed, RequestTransmissionFailed, ResponseFailed,
)
"""What a request may fail with that is no fault of ours."""

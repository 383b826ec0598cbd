"""The call that is to be explained, as its author writes it in JSON."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

import attrs

from meshd.base.addresses import canonical_ip, is_ip_address
from meshd.base.errors import Problem
from meshd.base.origins import Origin

Direction = Literal["outbound", "inbound", "gateway"]
CallProtocol = Literal["http", "http2", "tcp", "tls"]
CallTls = Literal["none", "tls", "mtls"]

NOWHERE = "192.0.2.1"
"""The address of a call that names none: one that no service has (RFC 5737)."""

ALPN: dict[tuple[str, str], str] = {
    ("tls", "http"): "http/1.1",
    ("tls", "http2"): "h2",
    ("mtls", "http"): "istio-http/1.1",
    ("mtls", "http2"): "istio-h2",
    ("mtls", "tcp"): "istio",
    ("mtls", "tls"): "istio",
}
"""What clients offer by TLS and protocol unless the call says: as Istio's own simulation of calls."""

ORIGIN = Origin("--call")
PORTS = range(1, 65536)
TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")  # RFC 9110, section 5.6.2


@attrs.frozen
class Call:
    """
    One call to be explained.

    Attributes:
        direction: From this machine, to it, or to it as an edge proxy.
        address: IP address the client connects to.
        port: Port the client connects to.
        protocol: What is spoken, within TLS if there is any; `tls` is TLS with something opaque in it.
        tls: Of the connection.
        sni: Server name of the ClientHello; empty for none.
        alpn: Application protocols of the ClientHello.
        method: Request's.
        path: Request's target; with a query.
        authority: Host or `:authority`, as sent.
        headers: Lower-case names with values, in order.
        source_address: The client's; empty if it does not matter.
        source_principal: The client's, from its certificate.
    """

    direction: Direction = "outbound"
    address: str = NOWHERE
    port: int = 80
    protocol: CallProtocol = "http"
    tls: CallTls = "none"
    sni: str = ""
    alpn: tuple[str, ...] = ()
    method: str = "GET"
    path: str = "/"
    authority: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    source_address: str = ""
    source_principal: str = ""

    @staticmethod
    def from_json(content: object) -> "tuple[Call | None, list[Problem]]":
        """
        Read a call from JSON text, or from an object read from it.

        What is left out has a default: direction `outbound`, an address that is no service's, protocol `http` (`tls` where `tls` is set
        and nothing else is known), path `/`, method `GET`, authority the address as a client writes it, SNI the authority's name for `tls`,
        ALPN as clients of that protocol offer it. The port has none.

        Returns:
            The call, or None where something is wrong; and all that is wrong.
        """
        if isinstance(content, str | bytes):
            try:
                content = json.loads(content)
            except (ValueError, RecursionError) as error:
                return None, [_problem("", f"expected a JSON object, got text that is none ({error})")]
        if not isinstance(content, Mapping):
            return None, [_problem("", f"expected a JSON object, got {_shown(content)}")]
        return _Reading(content).read()


class _Reading:
    """Reads one call, collecting problems."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields
        self.problems = [_problem(str(key), f"unknown field; expected one of {', '.join(READERS)}") for key in fields if key not in READERS]

    def read(self) -> tuple[Call | None, list[Problem]]:
        values: dict[str, Any] = {}
        for name, (attribute, check, expected) in READERS.items():
            if name not in self.fields or (self.fields[name] is None and name != "port"):
                continue
            try:
                values[attribute] = check(self.fields[name])
            except ValueError:
                self.problems.append(_problem(name, f"expected {expected}, got {_shown(self.fields[name])}"))
        if "port" not in self.fields:
            self.problems.append(_problem("port", "expected a number from 1 to 65535, got nothing"))
        if self.problems:
            return None, self.problems
        return Call(**_with_defaults(values)), []


def _with_defaults(values: dict[str, Any]) -> dict[str, Any]:
    protocol = values.setdefault("protocol", "http")
    tls = values.setdefault("tls", "tls" if protocol == "tls" else "none")
    headers = dict(values.get("headers", ()))
    if "host" in headers:
        values.setdefault("authority", headers["host"])
        values["headers"] = tuple(pair for pair in values["headers"] if pair[0] != "host")
    address = values.get("address", NOWHERE)
    values.setdefault("authority", f"[{address}]" if ":" in address else address)
    if tls == "none":
        values.update(sni="", alpn=())
    else:
        name = values["authority"].partition(":")[0].lower()
        values.setdefault("sni", "" if tls == "mtls" or name.startswith("[") or is_ip_address(name) else name)
        values.setdefault("alpn", tuple(filter(None, (ALPN.get((tls, protocol), ""),))))
    return values


def _one_of(*known: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise ValueError
        return value

    return check


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError
    return value


def _server_name(value: Any) -> str:
    return _text(value).lower()


def _address(value: Any) -> str:
    if not isinstance(value, str) or "%" in value:
        raise ValueError
    return canonical_ip(value.removeprefix("[").removesuffix("]"))


def _source_address(value: Any) -> str:
    return _address(value) if value else ""


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in PORTS:
        raise ValueError
    return value


def _token(value: Any) -> str:
    if not isinstance(value, str) or not value or set(value) - TOKEN:
        raise ValueError
    return value


def _path(value: Any) -> str:
    return _authority(value or None)


def _authority(value: Any) -> str:
    if not isinstance(value, str) or not all("!" <= letter <= "~" for letter in value):
        raise ValueError
    return value


def _names(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list):
        raise ValueError
    return tuple(filter(None, map(_text, names)))


def _headers(value: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ValueError
    pairs: list[tuple[str, str]] = []
    for name, values in value.items():
        for one in values if isinstance(values, list) else [values]:
            pairs.append((_token(name).lower(), _text(one).strip()))
    return tuple(pairs)


READERS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "direction": ("direction", _one_of("outbound", "inbound", "gateway"), "outbound, inbound or gateway"),
    "address": ("address", _address, "an IP address"),
    "port": ("port", _port, "a number from 1 to 65535"),
    "protocol": ("protocol", _one_of("http", "http2", "tcp", "tls"), "http, http2, tcp or tls"),
    "tls": ("tls", _one_of("none", "tls", "mtls"), "none, tls or mtls"),
    "sni": ("sni", _server_name, "a host name"),
    "alpn": ("alpn", _names, "a protocol name or a list of them"),
    "method": ("method", _token, "a method name"),
    "path": ("path", _path, "printable ASCII without blanks"),
    "authority": ("authority", _authority, "a host name or address, with or without a port"),
    "headers": ("headers", _headers, "an object from header names to values or lists of values"),
    "sourceAddress": ("source_address", _source_address, "an IP address"),
    "sourcePrincipal": ("source_principal", _text, "a principal's name"),
}


def _problem(field: str, message: str) -> Problem:
    return Problem(ORIGIN, message, field)


def _shown(value: object) -> str:
    """Give a value for a message, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."

"""An HTTP probe: a workload that answers with a status from 200 to 399 is well, as Kubernetes and Istio have it; redirects are not followed."""

from typing import Any

from OpenSSL import SSL
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import CertificateOptions
from zope.interface import implementer

from meshd.base.addresses import is_ip_address, is_ipv6
from meshd.model.workload_group import Probe
from meshd.registry.probes.target import Conversation, Target, converse

MOST_HEAD = 16 * 1024  # bytes of the heads that tell of progress, and of the status line


async def probe_http(probe: Probe, target: Target) -> str:
    """
    Send a GET, and look at the status.

    Raises:
        Exception: As connecting does.
    """
    host = probe.host or target.address
    endpoint: Any = target.endpoint(probe.host, probe.port)
    if probe.scheme == "HTTPS":
        endpoint = wrapClientTLS(_Unverified(host), endpoint)
    return await converse(endpoint, Conversation(target.reactor, request_of(probe, host), StatusReader().read))


def request_of(probe: Probe, host: str) -> bytes:
    """Give the request; headers of the probe take the place of those that it would have anyway."""
    authority = f"[{host}]" if is_ipv6(host) else host
    headers = [("Host", f"{authority}:{probe.port}"), ("User-Agent", "meshd-probe"), ("Accept", "*/*"), ("Connection", "close")]
    own = {name.lower() for name, _ in probe.headers}
    lines = [f"{name}: {value}" for name, value in (*(one for one in headers if one[0].lower() not in own), *probe.headers)]
    path = probe.path if probe.path.startswith("/") else f"/{probe.path}"
    return "\r\n".join((f"GET {path.replace(' ', '%20')} HTTP/1.1", *lines, "", "")).encode()


class StatusReader:
    """Reads an answer as far as its final status line."""

    def __init__(self) -> None:
        """Begin."""
        self._bytes = b""

    def read(self, more: bytes) -> str | None:
        """Take the next bytes; give the verdict once there is one."""
        self._bytes += more
        while b"\n" in self._bytes:
            line, _, rest = self._bytes.partition(b"\n")
            line = line.removesuffix(b"\r")
            status = _status_of(line)
            if status is None:
                return f"expected a status line of HTTP, got {line[:60].decode('latin-1')!r}"
            if status >= 200 or status == 101:
                return "" if 200 <= status < 400 else f"answered with status {status}"
            end = rest.find(b"\r\n\r\n") if not rest.startswith(b"\r\n") else -2  # of a head that only tells of progress
            if end == -1:
                break
            self._bytes = rest[end + 4 :]
        if len(self._bytes) > MOST_HEAD:
            return f"expected a status line within {MOST_HEAD} bytes, got more"
        return None


def _status_of(line: bytes) -> int | None:
    version, _, rest = line.partition(b" ")
    digits = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(digits) != 3 or not digits.isdigit() or rest[3:4] not in (b"", b" ") or digits < b"100":
        return None
    return int(digits)


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    """TLS to whoever answers: a probe asks whether somebody serves, as Kubernetes' and Istio's do, and sends no secrets."""

    def __init__(self, host: str) -> None:
        self._context: Any = CertificateOptions(verify=False).getContext()
        self._name = b"" if is_ip_address(host) else host.encode("idna" if not host.isascii() else "ascii")

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """Give a connection."""
        connection = SSL.Connection(self._context, None)
        if self._name:
            connection.set_tlsext_host_name(self._name)
        return connection

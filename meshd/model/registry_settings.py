"""`registry` of a Node: where a machine registers its workload, and whether it takes others in."""

import re
from urllib.parse import urlsplit

import attrs

from meshd.model.checks import ip_address, label_name, one_line, subdomain_name
from meshd.model.reading import Fields
from meshd.model.workload_group import Probe, read_probe

PORT = 15016  # of a registry
ALL = "0.0.0.0"  # every address of IPv4
GRACE = 10.0  # seconds that a machine may be silent; Istio's PILOT_WORKLOAD_ENTRY_GRACE_PERIOD
LEAST_GRACE, MOST_GRACE = 3.0, 3600.0
_PIN = re.compile("[0-9a-f]{64}")  # reason: an operator's own text, and the pattern is linear


@attrs.frozen
class RegistryServer:
    """
    A machine of the fleet that takes workloads in.

    Attributes:
        address / port: Where it listens.
        certificate / key: Files in PEM; empty: self-made on the first start.
        grace: Seconds that a machine may be silent until its entry is removed.
    """

    address: str = ALL
    port: int = PORT
    certificate: str = ""
    key: str = ""
    grace: float = GRACE


@attrs.frozen
class RegistrySettings:
    """
    What a machine has to do with registration.

    Attributes:
        join: `https://HOST:PORT` of the registry whose entries it follows, and where it registers if it has a group; empty: none.
        kubernetes: It registers with the API server instead.
        namespace / group: The WorkloadGroup that it belongs to; empty: it registers no workload.
        token: File of its join or read token.
        authority: File of the certificates that the registry's is checked with; empty: the token's pin, else those of the system.
        pin: SHA-256 of the registry's certificate, in hexadecimal digits; goes before the token's.
        probe: How its health is asked for, instead of as its group says.
        serve: Set where it is a registry itself.
    """

    join: str = ""
    kubernetes: bool = False
    namespace: str = ""
    group: str = ""
    token: str = ""
    authority: str = ""
    pin: str = ""
    probe: Probe | None = None
    serve: RegistryServer | None = None


NO_REGISTRY = RegistrySettings()


def read_registry(fields: Fields, namespace: str) -> RegistrySettings:
    """Read it; a group without a namespace is in the Node's."""
    join, kubernetes = fields.text("join", check=_url), fields.flag("kubernetes")
    if join and kubernetes:
        fields.wrong("kubernetes", "expected one place to register at, got join beside it")
    where, _, group = fields.text("group", check=_group).rpartition("/")
    settings = RegistrySettings(
        join, kubernetes, (where or namespace) if group else "", group, fields.text("token", check=_path),
        fields.text("certificateAuthority", check=_path), fields.text("pin", check=_pin).lower(), fields.optional("probe", read_probe),
        fields.optional("serve", _read_server),
    )
    if join and not settings.token:
        fields.wrong("token", "expected the file of a token beside join, got nothing", "make one on the registry: meshctl registry token create")
    for name, alone, missing in (("group", not join and not kubernetes, "join or kubernetes"), ("probe", not group, "a group")):
        if name in fields and alone:
            fields.wrong(name, f"expected {missing} beside it, got nothing", "it has no effect", "warning")
    fields.finish()
    return settings


def _read_server(fields: Fields) -> RegistryServer:
    server = RegistryServer(
        fields.text("address", ALL, check=ip_address),
        fields.port("port", PORT), fields.text("certificate", check=_path), fields.text("key", check=_path),
        fields.duration("gracePeriod", GRACE, low=LEAST_GRACE),
    )
    if server.grace > MOST_GRACE:
        fields.wrong("gracePeriod", f"expected a duration of at most {MOST_GRACE:g}s, got {server.grace:g}s")
    if bool(server.certificate) != bool(server.key):
        fields.wrong("certificate", "expected certificate and key, got one of them")
    fields.finish()
    return server


def split_url(url: str) -> tuple[str, int]:
    """Give host and port of a registry's URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or PORT


def _url(text: str) -> str:
    expected = f"a URL such as https://registry.example.com:{PORT}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return expected
    wrong = parts.scheme != "https" or not parts.hostname or parts.username or parts.path not in ("", "/") or parts.query or parts.fragment
    return expected if wrong or port == 0 or one_line(text) or not text.isascii() else ""


def _group(text: str) -> str:
    namespace, slash, name = text.rpartition("/")
    return "the name of a WorkloadGroup, or namespace/name" if subdomain_name(name) or (slash and label_name(namespace)) else ""


def _path(text: str) -> str:
    return "" if text.startswith("/") and not one_line(text) else "an absolute path"


def _pin(text: str) -> str:
    return "" if _PIN.fullmatch(text.lower()) else "the SHA-256 of a certificate, 64 hexadecimal digits"

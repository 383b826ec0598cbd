"""What resources of the Kubernetes Gateway API refer to: parents that routes are attached to, and backends that they lead to."""

import attrs

from meshd.base.hostnames import is_hostname
from meshd.model.checks import label_name, subdomain_name
from meshd.model.reading import Fields
from meshd.model.virtual_service import NO_HEADERS, Headers

GATEWAY_GROUP = "gateway.networking.k8s.io"
ISTIO_GROUP = "networking.istio.io"
MOST_PARENTS = 32  # limits of this and the other numbers: the CRDs of Gateway API 1.4
MOST_HOSTNAMES = 16
MOST_BACKENDS = 16
MOST_WEIGHT = 1_000_000
_KIND = 63


@attrs.frozen
class ParentRef:
    """
    What a route is attached to.

    Attributes:
        kind: `Gateway`, `Service` or `ServiceEntry`; another one is nobody's here.
        name: Its name.
        namespace: Empty for the route's own.
        section: Name of a Gateway's listener; empty for all.
        port: Of listeners, or of the service; 0 for all.
    """

    kind: str
    name: str
    namespace: str = ""
    section: str = ""
    port: int = 0


@attrs.frozen
class BackendRef:
    """
    Where a rule leads.

    Attributes:
        kind: `Service`, `ServiceImport` (read as the service of its name), `Hostname` (of a ServiceEntry), or empty for what nobody here knows.
        name: Its name, or the host.
        port: Number.
        namespace: Empty for the route's own.
        weight: Share among the rule's backends.
        headers: What is changed on the way to it and back.
    """

    kind: str
    name: str
    port: int
    namespace: str = ""
    weight: int = 1
    headers: Headers = NO_HEADERS


_PARENTS = {(GATEWAY_GROUP, "Gateway"): "Gateway", ("", "Service"): "Service", (ISTIO_GROUP, "ServiceEntry"): "ServiceEntry"}
_BACKENDS = {("", "Service"): "Service", ("multicluster.x-k8s.io", "ServiceImport"): "ServiceImport", (ISTIO_GROUP, "Hostname"): "Hostname"}


def read_parents(spec: Fields) -> tuple[ParentRef, ...]:
    """Read `parentRefs`."""
    found: list[ParentRef] = []
    for item in at_most(spec, "parentRefs", MOST_PARENTS):
        group, kind = read_group_kind(item, GATEWAY_GROUP, "Gateway")
        parent = ParentRef(
            _PARENTS.get((group, kind), ""), item.text("name", check=subdomain_name, required=True), item.text("namespace", check=label_name),
            item.text("sectionName", check=subdomain_name), item.port("port"),
        )
        if not parent.kind:
            said = f"expected a Gateway, a Service or a ServiceEntry of {ISTIO_GROUP}, got {kind} of {group or 'v1'}; it is ignored"
            item.wrong("kind", said, severity="warning")
        elif parent in found:
            item.wrong("", "expected each parent once, got it twice")
        found.append(parent)
        item.finish()
    return tuple(found)


def read_backend(item: Fields, headers: Headers = NO_HEADERS) -> BackendRef:
    """Read a backend; the caller reads what stands beside these fields."""
    group, kind = read_group_kind(item, "", "Service")
    known = _BACKENDS.get((group, kind), "")
    backend = BackendRef(
        known, item.text("name", check=subdomain_name if known != "Service" else _service_name, required=True),
        item.port("port", required=bool(known)), item.text("namespace", check=label_name),
        item.number("weight", 1, low=0, high=MOST_WEIGHT), headers,
    )
    if not known:
        said = f"expected a Service, or a Hostname of {ISTIO_GROUP}, got {kind} of {group or 'v1'}; its share of requests is answered 500"
        item.wrong("kind", said, severity="warning")
    if known == "Hostname" and backend.namespace:
        item.wrong("namespace", "expected no namespace with a Hostname, got one")
    return backend


def read_backends(rule: Fields) -> tuple[BackendRef, ...]:
    """Read the `backendRefs` of a rule for connections."""
    found = []
    for item in at_most(rule, "backendRefs", MOST_BACKENDS):
        found.append(read_backend(item))
        item.finish()
    return tuple(found)


def read_hostnames(spec: Fields) -> tuple[str, ...]:
    """Read `hostnames`."""
    if len(_list(spec, "hostnames")) > MOST_HOSTNAMES:
        spec.wrong("hostnames", f"expected at most {MOST_HOSTNAMES} hostnames, got {len(_list(spec, 'hostnames'))}")
    return spec.texts("hostnames", check=wildcard_hostname)


def read_group_kind(item: Fields, group: str, kind: str) -> tuple[str, str]:
    """Read `group` and `kind` with their defaults; an empty group is Kubernetes' own."""
    found = group if item.raw("group") is None else item.text("group", check=subdomain_name)
    return found, item.text("kind", kind, check=_kind)


def at_most(fields: Fields, name: str, most: int, least: int = 0) -> list[Fields]:
    """Return the mappings of a list that may not be longer, or shorter."""
    found = len(_list(fields, name))
    if found > most:
        fields.wrong(name, f"expected at most {most}, got {found}")
    elif found < least:
        fields.wrong(name, f"expected at least {least}, got {found or 'none'}")
    return fields.items(name)


def wildcard_hostname(text: str) -> str:
    """Check a host name whose first label may be `*`."""
    return "" if is_hostname(text, wildcard=True) and text != "*" else "a DNS name of lower-case letters, or one that begins with *."


def precise_hostname(text: str) -> str:
    """Check a host name."""
    return "" if is_hostname(text) else "a DNS name of lower-case letters, digits, '-' and '.'"


def _list(fields: Fields, name: str) -> list[object]:
    value = fields.values.get(name)
    return value if isinstance(value, list) else []


def _kind(text: str) -> str:
    good = len(text) <= _KIND and text[:1].isalpha() and text.isascii() and text.replace("-", "a").isalnum() and text[-1] != "-"
    return "" if good else "a kind such as Service"


def _service_name(text: str) -> str:
    return label_name(text) and "the name of a Service, not a host name"

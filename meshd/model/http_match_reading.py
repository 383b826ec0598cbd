"""Conditions of a VirtualService's rules, and where they lead."""

from collections.abc import Mapping

from meshd.model.checks import cidr, label_key, label_name, label_value, one_line, sni_host, subset_name, wildcard_host
from meshd.model.header_reading import header_name, read_headers
from meshd.model.reading import Fields
from meshd.model.string_match import StringMatch, read_string_match
from meshd.model.virtual_service import ConnectionMatch, Destination, HttpMatch, WeightedDestination

CLAIMS = "@request.auth.claims"
"""Begins the name of a header match that asks for a claim of a JWT."""
MAX_WEIGHT = 2**31 - 1
MAX_TOTAL = 2**32 - 1  # Envoy's WeightedCluster; it refuses the whole configuration above


def gateway_name(text: str) -> str:
    """Check a gateway: `mesh`, `name` or `namespace/name`; a dot in it is the old spelling of a namespace."""
    namespace, slash, name = text.rpartition("/")
    good = not wildcard_host(name) and "*" not in name and (not slash or namespace == "." or not label_name(namespace))
    return "" if good else "a gateway's name, or namespace/name"


def read_http_match(fields: Fields) -> HttpMatch:
    """Read one match of a rule for requests."""
    match = HttpMatch(
        name=fields.text("name"),
        uri=fields.optional("uri", read_string_match),
        scheme=fields.optional("scheme", read_string_match), method=fields.optional("method", read_string_match),
        authority=fields.optional("authority", read_string_match), ignore_uri_case=fields.flag("ignoreUriCase"),
        headers=_read_named(fields, "headers", headers=True), without_headers=_read_named(fields, "withoutHeaders", headers=True),
        query_parameters=_read_named(fields, "queryParams", headers=False),
        port=fields.port("port"),
        source_labels=fields.text_map("sourceLabels", key=label_key, value=label_value),
        source_namespace=fields.text("sourceNamespace", check=label_name),
        gateways=fields.texts("gateways", check=gateway_name),
    )
    if fields.text("statPrefix", check=one_line):
        fields.wrong("statPrefix", "statPrefix names statistics of Envoy's that meshd does not keep, and has no effect", severity="warning")
    fields.finish()
    return match


def read_connection_match(fields: Fields, *, tls: bool) -> ConnectionMatch:
    """Read one match of a rule for connections."""
    match = ConnectionMatch(
        sni_hosts=fields.texts("sniHosts", check=sni_host) if tls else (),
        destination_subnets=fields.texts("destinationSubnets", check=cidr),
        port=fields.port("port"),
        source_labels=fields.text_map("sourceLabels", key=label_key, value=label_value),
        source_namespace=fields.text("sourceNamespace", check=label_name),
        gateways=fields.texts("gateways", check=gateway_name),
    )
    if tls and fields.is_empty("sniHosts"):
        fields.wrong("sniHosts", "expected at least one server name, got nothing")
    if not tls:
        if fields.raw("sourceSubnet"):
            fields.wrong("sourceSubnet", "sourceSubnet is read and forgotten by Istio, too, and has no effect", severity="warning")
    fields.finish()
    return match


def read_destinations(fields: Fields, *, headers: bool) -> tuple[WeightedDestination, ...]:
    """Read where a rule leads; with `headers`, each destination may change headers."""
    found = []
    for item in fields.items("route"):
        changes = read_headers(item.mapping("headers")) if headers else None
        weight = item.number("weight", low=0, high=MAX_WEIGHT)
        destination = required_destination(item)
        found.append(WeightedDestination(destination, weight) if changes is None else WeightedDestination(destination, weight, changes))
        item.finish()
    if len(found) > 1 and not any(destination.weight for destination in found):
        fields.wrong("route", "expected a weight above 0, got 0 for every destination", "give at least one a weight")
    total = sum(destination.weight for destination in found)
    if total > MAX_TOTAL:
        fields.wrong("route", f"expected weights that add up to at most {MAX_TOTAL}, got {total}")
    return tuple(found)


def required_destination(fields: Fields) -> Destination:
    """Read the destination among other fields."""
    if "destination" not in fields:
        fields.wrong("destination", "expected a destination, got nothing")
    return fields.optional("destination", read_destination) or Destination("")


def read_destination(fields: Fields) -> Destination:
    """Read a destination."""
    destination = Destination(
        fields.text("host", check=_destination_host, required=True), fields.text("subset", check=subset_name),
        fields.optional("port", read_port_number) or 0,
    )
    fields.finish()
    return destination


def read_port_number(fields: Fields) -> int:
    """Read Istio's PortSelector."""
    number = fields.port("number", required=True)
    fields.finish()
    return number


def _destination_host(text: str) -> str:
    return "one host" if text == "*" else wildcard_host(text)


def _read_named(fields: Fields, name: str, *, headers: bool) -> Mapping[str, StringMatch]:
    """Read matches by the names of headers or query parameters."""
    named = fields.mapping(name)
    found: dict[str, StringMatch] = {}
    for key, value in named.values.items():
        claim = headers and key.startswith(CLAIMS)
        if claim:
            always = "always" if name == "withoutHeaders" else "never"
            named.not_served(key, "a condition on a JWT's claim", f"{always} holds")
        elif headers and header_name(key):
            named.wrong(key, "expected a header's name as key")
            continue
        if value is None:
            named.wrong(key, "expected a mapping such as {exact: text}, got nothing", "write {} for presence")
        elif isinstance(value, dict):
            match = read_string_match(named.mapping(key), presence=True)
            word = key.lower() if headers and not claim else key
            if word in found:
                named.wrong(key, f"expected each header once, got {word} in other letters too")
            elif match is not None:
                found[word] = match
        else:
            named.mapping(key)
    return found

"""Reading conditions of rules and where they lead, as Istio validates them."""

import pytest

from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import ConnectionMatch, Destination, HttpMatch, VirtualService, WeightedDestination
from tests.helpers.networking import read, wrong

MATCH = "{hosts: [web], gateways: [edge], http: [{match: [%s], route: [{destination: {host: a}}]}]}"
ROUTE = "{hosts: [web], http: [{route: %s}]}"
TCP = "{hosts: [web], tcp: [{match: [%s], route: [{destination: {host: a}}]}]}"
TLS = "{hosts: [web, '*.example.com'], tls: [{match: [%s], route: [{destination: {host: a}}]}]}"


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{}", HttpMatch()),
        ("null", HttpMatch()),
        ("{uri: {}}", HttpMatch()),
        ("{headers: {X-A: {}, x-b: {regex: '*'}}}", HttpMatch(headers={"x-a": StringMatch("present"), "x-b": StringMatch("present")})),
        ("{queryParams: {A: {exact: ''}}}", HttpMatch(query_parameters={"A": StringMatch("exact")})),
        ("{headers: {'@request.auth.claims.Sub': {exact: a}}}", HttpMatch(headers={"@request.auth.claims.Sub": StringMatch("exact", "a")})),
        ("{gateways: [prod/edge, ./edge, mesh]}", HttpMatch(gateways=("prod/edge", "./edge", "mesh"))),
    ],
)
def test_reads_matches(match, expected):
    """Header names are held in lower case, those of claims and query parameters as written."""
    assert (expected,) == read(VirtualService, MATCH % match).http[0].matches


def test_reads_matches_of_connections():
    """Server names may be wildcards."""
    [found] = read(VirtualService, TLS % "{sniHosts: [web, '*.a.example.com'], port: 443}").tls[0].matches
    assert ConnectionMatch(("web", "*.a.example.com"), port=443) == found


def test_a_single_destination_needs_no_weight():
    """Nor does it matter."""
    assert (WeightedDestination(Destination("a")),) == read(VirtualService, ROUTE % "[{destination: {host: a}}]").http[0].destinations


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{uri: /a}", ["error spec.http[0].match[0].uri: expected a mapping, got '/a'"]),
        ("{uri: {exact: 5}}", ["error spec.http[0].match[0].uri.exact: expected text, got the number 5; quote it"]),
        ("{uri: {prefix: ''}}", ["error spec.http[0].match[0].uri.prefix: expected a text, got an empty text"]),
        ("{uri: {exact: a, prefix: b}}", ["error spec.http[0].match[0].uri: expected one of exact, prefix and regex, got exact and prefix"]),
        ("{uri: {exakt: a}}", ["warning spec.http[0].match[0].uri.exakt: expected a known field, got exakt, which is ignored; did you mean exact?"]),
        ("{uri: {regex: 'a('}}", ["error spec.http[0].match[0].uri.regex: expected a regular expression of RE2 (missing ): a(), got 'a('"]),
        ("{ignoreUriCase: 'true'}", ["error spec.http[0].match[0].ignoreUriCase: expected true or false, got 'true'; remove the quotes"]),
        ("{headers: {'a b': {exact: a}}}", ["error spec.http[0].match[0].headers[a b]: expected a header's name as key"]),
        ("{headers: {a: null}}", [
            "error spec.http[0].match[0].headers.a: expected a mapping such as {exact: text}, got nothing; write {} for presence",
        ]),
        ("{headers: {a: b}}", ["error spec.http[0].match[0].headers.a: expected a mapping, got 'b'"]),
        ("{headers: {a: {exact: b}, A: {exact: c}}}", [
            "error spec.http[0].match[0].headers.A: expected each header once, got a in other letters too",
        ]),
        ("{headers: []}", ["error spec.http[0].match[0].headers: expected a mapping, got a list"]),
        ("{queryParams: {a: 5}}", ["error spec.http[0].match[0].queryParams.a: expected a mapping, got the number 5"]),
        ("{headers: {'@request.auth.claims.sub': {exact: a}}}", [
            "warning spec.http[0].match[0].headers[@request.auth.claims.sub]: a condition on a JWT's claim is not served yet and never holds",
        ]),
        ("{withoutHeaders: {'@request.auth.claims.sub': {exact: a}}}", [
            "warning spec.http[0].match[0].withoutHeaders[@request.auth.claims.sub]: a condition on a JWT's claim is not served yet and always "
            "holds",
        ]),
        ("{port: 0}", ["error spec.http[0].match[0].port: expected a number from 1 to 65535, got the number 0"]),
        ("{port: '80'}", ["error spec.http[0].match[0].port: expected a number from 1 to 65535, got '80'; remove the quotes"]),
        ("{sourceLabels: {app: 7}}", ["error spec.http[0].match[0].sourceLabels.app: expected text, got the number 7; quote it"]),
        ("{sourceNamespace: A}", [
            "error spec.http[0].match[0].sourceNamespace: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 "
            "characters), got 'A'",
        ]),
        ("{gateways: ['*']}", ["error spec.http[0].match[0].gateways[0]: expected a gateway's name, or namespace/name, got '*'"]),
        ("{statPrefix: a}", [
            "warning spec.http[0].match[0].statPrefix: statPrefix names statistics of Envoy's that meshd does not keep, and has no effect"]),
        ("{name: []}", ["error spec.http[0].match[0].name: expected text, got a list"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong_with_matches(match, expected):
    """Each with its field; claims of JWTs are not known yet."""
    assert expected == wrong(VirtualService, MATCH % match)


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        ("[{}]", ["error spec.http[0].route[0].destination: expected a destination, got nothing"]),
        ("[{destination: a}]", ["error spec.http[0].route[0].destination: expected a mapping, got 'a'"]),
        ("[{destination: {}}]", [
            "error spec.http[0].route[0].destination.host: expected a DNS name, or one with * in the place of its first label, got nothing",
        ]),
        ("[{destination: {host: '*'}}]", ["error spec.http[0].route[0].destination.host: expected one host, got '*'"]),
        ("[{destination: {host: a, subset: a_b}}]", [
            "error spec.http[0].route[0].destination.subset: expected a subset's name of letters, digits and '-', got 'a_b'",
        ]),
        ("[{destination: {host: a, port: 80}}]", ["error spec.http[0].route[0].destination.port: expected a mapping, got the number 80"]),
        ("[{destination: {host: a, port: {}}}]", [
            "error spec.http[0].route[0].destination.port.number: expected a number from 1 to 65535, got nothing",
        ]),
        ("[{destination: {host: a, port: {number: 70000}}}]", [
            "error spec.http[0].route[0].destination.port.number: expected a number from 1 to 65535, got the number 70000",
        ]),
        ("[{destination: {host: a}, weight: -1}]", ["error spec.http[0].route[0].weight: expected a number from 0 to 2147483647, got the number -1"]),
        ("[{destination: {host: a}}, {destination: {host: b}}]", [
            "error spec.http[0].route: expected a weight above 0, got 0 for every destination; give at least one a weight",
        ]),
        ("[{destination: {host: a}, weight: 2147483647}, {destination: {host: b}, weight: 2147483647}, {destination: {host: c}, weight: 2}]", [
            "error spec.http[0].route: expected weights that add up to at most 4294967295, got 4294967296",
        ]),
        ("[{destination: {host: a, hosts: b}}]", [
            "warning spec.http[0].route[0].destination.hosts: expected a known field, got hosts, which is ignored; did you mean host?",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong_with_destinations(route, expected):
    """Each with its field."""
    assert expected == wrong(VirtualService, ROUTE % route)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{destinationSubnets: [10.0.0.0/33]}", [
            "error spec.tcp[0].match[0].destinationSubnets[0]: expected an address range such as 10.0.0.0/8, got '10.0.0.0/33'",
        ]),
        ("{sourceSubnet: 10.0.0.1}", [
            "warning spec.tcp[0].match[0].sourceSubnet: sourceSubnet is read and forgotten by Istio, too, and has no effect"]),
        ("{sniHosts: [a]}", ["warning spec.tcp[0].match[0].sniHosts: expected a known field, got sniHosts, which is ignored"]),
        ("{sourceLabels: []}", ["error spec.tcp[0].match[0].sourceLabels: expected a mapping, got a list"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong_with_tcp_matches(match, expected):
    """Each with its field."""
    assert expected == wrong(VirtualService, TCP % match)


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("{sniHosts: []}", ["error spec.tls[0].match[0].sniHosts: expected at least one server name, got nothing"]),
        ("{sniHosts: [5]}", ["error spec.tls[0].match[0].sniHosts[0]: expected text, got the number 5; quote it"]),
        ("{sniHosts: [a b]}", [
            "error spec.tls[0].match[0].sniHosts[0]: expected a DNS name, or one with * in the place of its first label, got 'a b'",
        ]),
        ("{sniHosts: [a.example.com], sourceSubnet: 10.0.0.1}", [
            "warning spec.tls[0].match[0].sourceSubnet: expected a known field, got sourceSubnet, which is ignored",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong_with_tls_matches(match, expected):
    """Each with its field."""
    assert expected == wrong(VirtualService, TLS % match)

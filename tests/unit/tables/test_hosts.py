"""Virtual hosts by authority."""

import pytest

from meshd.snapshot.match import HeaderMatch, StringMatch
from meshd.snapshot.route import DirectResponse, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost, WeightedCluster
from meshd.tables.hosts import host_of, host_slices
from meshd.tables.interfaces import BuildError, Environment
from tests.helpers.exchanges import PlainExchange

ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)
DOMAINS = ("a.test", "*.a.test", "*.test", "*-x.test", "a.*", "a.b.*", "[fd00::1]", "10.0.0.1", "UPPER.test", "b:80")


def built(config, previous=None):
    """Give the table of a route configuration, and in how many slices it was built."""
    slices = host_slices(config, ENVIRONMENT, previous)
    number = 0
    while True:
        try:
            next(slices)
        except StopIteration as done:
            return done.value, number
        number += 1


def host(name, *domains, cluster="c"):
    """Give a virtual host with one route."""
    return VirtualHost(name, domains or (name,), (Route("r", RouteMatch(), RouteAction(cluster)),))


def found(config, authority):
    """Give the virtual host that an authority finds."""
    entry = built(config)[0].find_route(PlainExchange(authority=authority))
    return None if entry is None else entry.virtual_host


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        (b"a.test", "a.test"),
        (b"A.TEST", "a.test"),
        (b"a.test:80", "a.test"),
        (b"a.test:abc", "a.test"),
        (b"a.test:", "a.test"),
        (b"a.test.", "a.*"),
        (b"b.a.test", "*.a.test"),
        (b"c.b.a.test", "*.a.test"),
        (b".a.test", "*.test"),
        (b"b.test", "*.test"),
        (b".test", None),
        (b"b-x.test", "*-x.test"),
        (b"-x.test", "*.test"),
        (b"a.x", "a.*"),
        (b"a.b.x", "a.b.*"),
        (b"a.b.", "a.*"),
        (b"a.", None),
        (b"a.test,b.test", "*.test"),
        (b"[fd00::1]", "[fd00::1]"),
        (b"[FD00::1]:80", "[fd00::1]"),
        (b"fd00::1", None),
        (b"10.0.0.1:8080", "10.0.0.1"),
        (b"upper.test", "UPPER.test"),
        (b"b:80", None),
        (b"nowhere", None),
        (b"", None),
        (b":80", None),
        (b"\xe9.test", "*.test"),
    ],
)
def test_the_most_specific_domain_wins(authority, expected):
    """Exact, then the longest suffix wildcard, then the longest prefix wildcard; a wildcard stands for one letter at least."""
    config = RouteConfiguration("80", tuple(host(domain) for domain in DOMAINS))
    assert expected == found(config, authority)


@pytest.mark.parametrize(("authority", "expected"), [(b"nowhere", "*"), (b"a.test", "a.test"), (b"", "*"), (b":80", "*")])
def test_the_rest_takes_what_is_left(authority, expected):
    """`*` takes all, even an empty authority, as in Envoy."""
    assert expected == found(RouteConfiguration("80", (host("*"), host("a.test"))), authority)


@pytest.mark.parametrize("authority", [b"", b"a", b"[::1]:80", b":"])
def test_the_only_host_takes_everything(authority):
    """Where `*` is all there is, even an empty authority finds it."""
    assert "any" == found(RouteConfiguration("inbound", (host("any", "*"),)), authority)


@pytest.mark.parametrize(
    ("authority", "expected"),
    [(b"b:80", "b:80"), (b"B:80", "b:80"), (b"b", None), (b"b:81", None), (b"x.a:80", "*.a:80"), (b"", None)],
)
def test_ports_count_where_they_must(authority, expected):
    """Without `ignore_port_in_host_matching` the authority is taken whole."""
    config = RouteConfiguration("80", (host("b:80"), host("*.a:80")), ignore_port_in_host_matching=False)
    assert expected == found(config, authority)


def test_no_virtual_host_at_all():
    """Nothing is found, nothing fails."""
    assert None is found(RouteConfiguration("80"), b"a")


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        (b"A.b:1", "a.b"), (b"[::1]:1", "[::1]"), (b"[::1]", "[::1]"), (b"a:1:2", "a:1"), (b"]:1", "]"), (b":1]", ":1]"), (b"", ""),
        (b"\xc9:1", "\xc9"),
    ],
)
def test_gives_what_hosts_are_sought_by(authority, expected):
    """Lower case, port cut."""
    assert expected == host_of(authority)


def test_addresses_lead_to_clusters():
    """For connections that cannot be routed: the first plain cluster of the host that an address names."""
    weighted = RouteAction(weighted_clusters=(WeightedCluster("w", 1),))
    actions = (DirectResponse(200), weighted, RouteAction("plain"))
    routes = tuple(Route("r", RouteMatch("exact", f"/{place}"), action) for place, action in enumerate(actions))
    one, two = VirtualHost("one", ("one", "10.0.0.1", "[fd00::1]"), routes), VirtualHost("two", ("10.0.0.2",), routes[:2])
    config = RouteConfiguration("80", (one, two, host("any", "*")))
    assert {"10.0.0.1": "plain", "fd00::1": "plain"} == built(config)[0].clusters_by_address


def test_unchanged_hosts_are_taken_over():
    """Only the virtual host that changed is built anew; those taken over are one slice each."""
    before, slices = built(RouteConfiguration("80", (host("a"), host("b"), host("c"))))
    after, fewer = built(RouteConfiguration("80", (host("c"), host("b", cluster="new"), host("a"))), before)
    assert (3 * 3, 3 + 2) == (slices, fewer)
    known = {built_host.name: find for built_host, find in before.hosts}
    assert [True, False, True] == [known[built_host.name] is find for built_host, find in after.hosts]


def test_names_every_broken_route():
    """Faults of all virtual hosts come at once."""
    match = RouteMatch(headers=(HeaderMatch("x", StringMatch("regex", "(")),))
    broken = tuple(VirtualHost(name, (name,), (Route("r", match, RouteAction("c")),)) for name in "ab")
    with pytest.raises(BuildError) as caught:
        built(RouteConfiguration("80", broken))
    assert ["a", "b"] == [reason.split("virtual host ")[1][0] for reason in caught.value.reasons]
    assert all(reason.startswith("route configuration 80: ") for reason in caught.value.reasons)

"""Tests of matches as sets of conditions."""

from meshd.analyze.matches import connection_conditions, http_conditions, match_name, rule_name
from meshd.base.origins import Origin
from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import ConnectionMatch, HttpMatch, HttpRoute


def test_reads_every_condition_of_requests():
    """A name is none; the gateways are one condition together."""
    text = StringMatch("exact", "v")
    match = HttpMatch(
        "name", StringMatch("prefix", "/"), text, text, text, True, {"h": text}, {"w": text}, {"q": text}, 80, {"app": "a"}, "ns", ("b", "a"),
    )
    assert {
        ("uri", "any case", "prefix", "/"), ("scheme", "", "exact", "v"), ("method", "", "exact", "v"), ("authority", "", "exact", "v"),
        ("headers", "h", "exact", "v"), ("withoutHeaders", "w", "exact", "v"), ("queryParams", "q", "exact", "v"), ("port", "", "", "80"),
        ("sourceLabels", "app", "", "a"), ("sourceNamespace", "", "", "ns"), ("gateways", "", "", "a,b"),
    } == http_conditions(match)


def test_reads_every_condition_of_connections():
    """Lists of alternatives are one condition each."""
    match = ConnectionMatch(("b", "a"), ("10.0.0.0/8",), 443, {"app": "a"}, "ns", ("g",))
    assert {
        ("sniHosts", "", "", "a,b"), ("destinationSubnets", "", "", "10.0.0.0/8"), ("port", "", "", "443"), ("sourceLabels", "app", "", "a"),
        ("sourceNamespace", "", "", "ns"), ("gateways", "", "", "g"),
    } == connection_conditions(match)


def test_names_rules_and_matches():
    """By their names in quotes, else by their places."""
    origin = Origin("a.yaml")
    assert ['"r"', "#3"] == [rule_name(HttpRoute("r", origin=origin), 3), rule_name(HttpRoute(origin=origin), 3)]
    assert ['"m"', "#0", "#1"] == [match_name(HttpMatch("m"), 0), match_name(HttpMatch(), 0), match_name(ConnectionMatch(), 1)]

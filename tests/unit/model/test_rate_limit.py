"""Reading RateLimits."""

import pytest

from meshd.model.rate_limit import RateLimit
from tests.helpers.resources import complaints_of, resources_of

WHOLE = """{selector: {matchLabels: {app: web}}, direction: outbound, hosts: [reviews, '*.example.com'], routes: [slow],
 requests: 100, per: minute, burst: 20, headers: true}"""


def document(spec):
    """Give a document with a spec in line 4."""
    return f"apiVersion: meshd.io/v1\nkind: RateLimit\nmetadata: {{name: web}}\nspec: {spec}\n"


def read(spec):
    """Give the resource with a spec that is right."""
    assert [] == complaints_of(document(spec))
    [found] = resources_of(document(spec))
    return found


def test_reads_a_whole_limit():
    """Every field."""
    found = read(WHOLE)
    assert RateLimit(
        found.metadata, {"app": "web"}, "outbound", ("reviews", "*.example.com"), ("slow",), 100, 60.0, 20, True) == found
    assert "default" == found.metadata.namespace


def test_defaults():
    """As many at once as in each period, of all that comes in."""
    found = read("{requests: 5, per: hour}")
    assert RateLimit(found.metadata, requests=5, period=3600.0, burst=5) == found


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["requests: expected a number from 1 to 2147483647, got nothing", "per: expected second or minute or hour or day, got nothing"]),
        ("{requests: 0, per: second}", ["requests: expected a number from 1 to 2147483647, got the number 0"]),
        ("{requests: '5', per: second}", ["requests: expected a number from 1 to 2147483647, got '5'; remove the quotes"]),
        ("{requests: 5, per: 1s}", ["per: expected second or minute or hour or day, got '1s'"]),
        ("{requests: 5, per: minutes}", ["per: expected second or minute or hour or day, got 'minutes'; did you mean minute?"]),
        ("{requests: 5, per: second, burst: 0}", ["burst: expected a number from 1 to 2147483647, got the number 0"]),
        ("{requests: 5, per: second, direction: both}", ["direction: expected inbound or outbound, got 'both'"]),
        ("{requests: 5, per: second, hosts: web}", ["hosts: expected a list, got 'web'; begin each item with '- '"]),
        ("{requests: 5, per: second, hosts: ['http://web']}",
         ["hosts[0]: expected a host such as reviews or *.example.com, got 'http://web'"]),
        ("{requests: 5, per: second, routes: ['']}", ["routes[0]: expected a route's name, got an empty text"]),
        ("{requests: 5, per: second, routes: [5]}", ["routes[0]: expected text, got the number 5; quote it"]),
        ("{requests: 5, per: second, headers: 'yes'}", ["headers: expected true or false, got 'yes'"]),
        ("{requests: 5, per: second, selector: {matchLabels: {app: 5}}}", ["selector.matchLabels.app: expected text, got the number 5; quote it"]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field; the limit is not used."""
    assert [f"error 4 spec.{line}" for line in expected] == complaints_of(document(spec))
    assert [] == list(resources_of(document(spec)))


def test_tells_of_unknown_fields():
    """With what may be meant."""
    found = complaints_of(document("{requests: 5, per: second, bursts: 9}"))
    assert ["warning 4 spec.bursts: expected a known field, got bursts, which is ignored; did you mean burst?"] == found

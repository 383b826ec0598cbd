"""What becomes of a call."""

import json

from meshd.base.origins import Origin
from meshd.explain.answer import Answer, quoted
from meshd.snapshot.replies import Reply

KEYS = [
    "listener", "filterChain", "routeConfig", "virtualHost", "route", "cluster", "weightedClusters", "endpoints", "outcome", "status",
    "responseFlags", "responseCodeDetails", "requestedPath", "authority", "policy", "steps",
]


def test_an_answer_has_every_field_of_the_contract():
    """In the contract's order, in lower camel case, and fit for JSON."""
    answer = Answer(weighted_clusters=(("a", 1),), endpoints=("10.0.0.1:80",))
    answer.took("listener x", "because", (Origin("a.yaml", 3, "Service", "default", "x"),))
    answer.passed("filter chain ", "other port")
    content = json.loads(json.dumps(answer.to_json()))
    assert KEYS == list(content)
    assert ([{"name": "a", "weight": 1}], ["10.0.0.1:80"]) == (content["weightedClusters"], content["endpoints"])
    assert [
        {"step": "listener x", "matched": True, "why": "because", "origin": "a.yaml:3 (Service default/x)"},
        {"step": "filter chain", "matched": False, "why": "other port", "origin": ""},
    ] == content["steps"]


def test_replies_and_closes():
    """Flags and details as the access log writes them; `-` for none."""
    replied = Answer().replied(Reply(404, "NR", "route_not_found"))
    assert ("reply", 404, "NR", "route_not_found") == (replied.outcome, replied.status, replied.response_flags, replied.response_code_details)
    assert "-" == Answer().replied(Reply(400, "", "x")).response_flags
    closed = Answer().closed("UH")
    assert ("close", None, "UH", "-") == (closed.outcome, closed.status, closed.response_flags, closed.response_code_details)


def test_origins_are_quoted_together():
    """Where several resources made one object."""
    assert "a.yaml:1; b.yaml:2" == quoted((Origin("a.yaml", 1), Origin("b.yaml", 2)))
    assert "" == quoted(())

"""What routes do, in Envoy's JSON."""

import pytest

from meshd.snapshot.header_changes import HeaderChange, HeaderChanges
from meshd.snapshot.json_fields import typed
from meshd.snapshot.match import HeaderMatch
from meshd.snapshot.noted_json import FieldError, Report, note
from meshd.snapshot.route import DirectResponse, HashPolicy, Redirect, RegexRewrite, RetryPolicy, RouteAction, WeightedCluster
from meshd.snapshot.route_action_json import (
    DIRECT,
    PREVIOUS_HOSTS,
    PREVIOUS_PRIORITIES,
    PRIORITIES_KIND,
    REDIRECT,
    RETRY,
    read_action,
    write_action,
)


@pytest.mark.parametrize(
    "action",
    [
        RouteAction("c"),
        RouteAction("c", timeout=15.0, idle_timeout=0.0, max_stream_duration=0.0, max_grpc_timeout=0.0),
        RouteAction("c", max_grpc_timeout=2.0, host_rewrite="h", append_forwarded_host=True, prefix_rewrite="/"),
        RouteAction("c", not_found_status=500),
        RouteAction("c", auto_host_rewrite=True, regex_rewrite=RegexRewrite("/(.*)", "\\1")),
        RouteAction("", (WeightedCluster("a", 1, HeaderChanges((HeaderChange("x", "1"),)), HeaderChanges((), ("y",))), WeightedCluster("b", 0))),
        RouteAction("c", hash_policies=(
            HashPolicy("header", "x", True), HashPolicy("cookie", "c", cookie_ttl=0.0, cookie_path="/"), HashPolicy("cookie", "d"),
            HashPolicy("source_ip"), HashPolicy("query_parameter", "q"),
        )),
    ],
)
def test_forwarding(action):
    """Every field goes there and back."""
    assert action == read_action(write_action(action))


def test_what_is_not_said_of_forwarding_is_envoys_default():
    """Fifteen seconds for an answer."""
    assert RouteAction("c", timeout=15.0) == read_action({"cluster": "c"})


@pytest.mark.parametrize(
    ("back_off", "expected"),
    [({}, (0.025, 0.25)), ({"baseInterval": "0.1s"}, (0.1, 1.0)), ({"baseInterval": "0.1s", "maxInterval": "0.25s"}, (0.1, 0.25))],
)
def test_the_longest_back_off_hangs_on_the_base(back_off, expected):
    """It is ten times as long unless it is said."""
    policy = RETRY.read({"retryBackOff": back_off})
    assert (1, *expected) == (policy.attempts, policy.base_interval, policy.max_interval)
    assert policy == RETRY.read(RETRY.write(policy))


def test_retries():
    """Every field goes there and back."""
    policy = RetryPolicy(
        ("5xx", "retriable-headers"), 3, 1.0, (503,), True, 5, 0.1, 0.2, per_try_idle_timeout=2.0, retriable_headers=(HeaderMatch("x"),),
        retriable_request_headers=(HeaderMatch("y"),), leaves_priorities=2,
    )
    assert policy == RETRY.read(RETRY.write(policy))


def test_other_predicates_of_hosts_are_told_of():
    """The one that is known counts all the same."""
    found = note({"retryHostPredicate": [{"name": "envoy.retry_host_predicates.omit_canary_hosts"}, PREVIOUS_HOSTS]}, "", Report("f"))
    assert RETRY.read(found).previous_hosts
    assert ["retryHostPredicate[0]"] == [problem.field for problem in found.report.problems]


def test_other_retry_priorities_are_told_of():
    """They leave no priorities."""
    found = note({"retryPriority": {"name": "mine", "typedConfig": {"@type": "x/my.Priority"}}}, "", Report("f"))
    assert (0, ["retryPriority"]) == (RETRY.read(found).leaves_priorities, [problem.field for problem in found.report.problems])


@pytest.mark.parametrize(
    "redirect",
    [
        Redirect(), Redirect(308, "https", "h", 8443, "/p?q"), Redirect(prefix_rewrite=""),
        Redirect(303, regex_rewrite=RegexRewrite("a", ""), strip_query=True),
    ],
)
def test_redirects(redirect):
    """Every field goes there and back."""
    assert redirect == REDIRECT.read(REDIRECT.write(redirect))


@pytest.mark.parametrize(
    ("body", "written"),
    [("", None), ("é\n", {"inlineString": "é\n"}), ("\udcff\0é", {"inlineBytes": "/wDDqQ=="})],
)
def test_bodies_of_direct_responses_are_text_or_bytes(body, written):
    """Bytes that are no UTF-8 go as they are."""
    message = DIRECT.write(DirectResponse(200, body))
    assert written == message.get("body")
    assert DirectResponse(200, body) == DIRECT.read(message)


def test_bytes_of_a_body_are_base64():
    """Other text is refused."""
    with pytest.raises(FieldError):
        DIRECT.read({"status": 200, "body": {"inlineBytes": "?"}})


def test_https_redirects_are_another_spelling():
    """Of a scheme."""
    assert Redirect(scheme="https") == REDIRECT.read({"httpsRedirect": True})


@pytest.mark.parametrize(
    "message",
    [
        {}, {"clusterHeader": "x"}, {"cluster": "c", "timeout": 3}, {"cluster": "c", "retryPolicy": {"numRetries": -1}}, {"cluster": ["c"]},
        {"cluster": "c", "regexRewrite": {"pattern": {}}}, {"weightedClusters": {"clusters": [{"weight": 1}]}},
        {"cluster": "c", "clusterHeader": "x"},
        {"cluster": "c", "pathRewritePolicy": {"name": "x"}}, {"cluster": "c", "retryPolicy": {"retryOn": 3}},
        {"cluster": "c", "retryPolicy": {"retryPriority": {**typed(PREVIOUS_PRIORITIES, PRIORITIES_KIND), "name": ""}}},
    ],
)
def test_what_cannot_be_read_is_refused(message):
    """A route that goes elsewhere is none."""
    with pytest.raises(ValueError, match="expected"):
        read_action(note(message, "", Report("f")))


def test_a_hash_policy_that_cannot_be_read_is_left_out():
    """The others still pick."""
    found = note({"cluster": "c", "hashPolicy": [{"filterState": {"key": "k"}}, {"header": {"headerName": "X"}}]}, "", Report("f"))
    assert (HashPolicy("header", "x"),) == read_action(found).hash_policies
    assert ["hashPolicy[0]"] == [problem.field for problem in found.report.problems if "not done yet" not in problem.message]

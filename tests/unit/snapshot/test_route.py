"""Routes as values."""

from meshd.snapshot.route import RetryPolicy, RouteAction, RouteConfiguration, RouteMatch, VirtualHost


def test_a_match_takes_every_path():
    """Without conditions."""
    found = RouteMatch()
    assert ("prefix", "/", False, (), ()) == (found.kind, found.path, found.ignore_case, found.headers, found.query_parameters)


def test_an_action_neither_limits_nor_retries():
    """No timeout is Istio's default; Envoy's would be 15 seconds."""
    found = RouteAction("c")
    assert (0.0, None, None, None) == (found.timeout, found.retry_policy, found.max_stream_duration, found.max_grpc_timeout)


def test_back_off_is_envoys():
    """At most ten times the base."""
    assert (0.025, 0.25, 1) == (RetryPolicy().base_interval, RetryPolicy().max_interval, RetryPolicy().attempts)


def test_the_port_of_an_authority_does_not_count():
    """As Istio sets it."""
    assert RouteConfiguration("80").ignore_port_in_host_matching
    assert not VirtualHost("v", ("*",)).include_request_attempt_count

"""Expressions give what a real Envoy 1.40 gave for the same exchanges, and what is not understood is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.telemetry.expressions import MAX_DEPTH, MAX_LENGTH, ExpressionError, compile_expression
from tests.helpers.log_samples import http, tcp, witnessed

WITNESSED = (
    ('response.code >= 400', 'dead bad'),
    ("response.code == 200 && request.url_path.startsWith('/a')", 'POST'),
    ("xds.cluster_name == 'dead'", 'dead'),
    ('connection.mtls', ''),
    ('!connection.mtls', 'POST slow dead grpc bad tcp'),
    ('has(request.headers.a)', 'POST'),
    ("'a' in request.headers", 'POST'),
    ("request.headers['a'] == '1'", 'POST'),
    ("!(request.headers['a'] == '1')", ''),
    ("request.headers['a'] == '1' || true", 'POST slow dead grpc bad tcp'),
    ("request.headers['A'] == '1'", 'POST'),
    ("request.method in ['POST','PUT']", 'POST grpc'),
    ('response.code in [200, 503]', 'POST slow dead grpc'),
    ('response.code == 200.0', 'POST slow grpc'),
    ('response.code > 200.5', 'dead bad'),
    ("request.duration > duration('10ms')", 'slow tcp'),
    ('response.flags == 0', 'POST slow grpc tcp'),
    ('response.flags > 0', 'dead bad'),
    ('has(response.grpc_status)', 'POST slow dead grpc bad'),
    ('response.grpc_status == 14', 'dead grpc'),
    ("response.code_details.contains('via')", 'POST slow grpc'),
    ("request.path.matches('a/p')", 'POST'),
    ("request.path.matches('^/a$')", ''),
    ('request.size > 4', 'POST'),
    ('request.total_size > 100', 'POST slow dead grpc'),
    ('response.size == 3', 'POST slow'),
    ("source.address.startsWith('127.')", 'POST slow dead grpc bad tcp'),
    ('source.port > 1', 'POST slow dead grpc bad tcp'),
    ('destination.port == 29110', 'POST slow dead grpc bad'),
    ("destination.address == '127.0.0.1:29110'", 'POST slow dead grpc bad'),
    ("upstream.address.startsWith('127')", 'POST slow dead grpc tcp'),
    ('upstream.port == 29112', 'POST slow grpc tcp'),
    ("xds.route_name == 'default'", 'POST slow grpc'),
    ("xds.filter_chain_name == 'chain-a'", 'POST slow dead grpc bad'),
    ("request.host == 'h.test'", 'POST slow dead'),
    ("request.scheme == 'http'", 'POST slow dead grpc'),
    ("request.protocol == 'HTTP/1.1'", 'POST slow dead grpc bad'),
    ("request.query == 'q=1&a=5'", 'POST'),
    ('request.id.size() == 36', 'POST slow dead grpc'),
    ("request.useragent == ''", ''),
    ("request.referer == ''", ''),
    ('has(request.referer)', ''),
    ('has(request.useragent)', 'slow'),
    ('connection.id > 0', 'POST slow dead grpc bad tcp'),
    ("connection.termination_details == ''", ''),
    ("connection.requested_server_name == ''", 'POST slow dead grpc bad tcp'),
    ('has(connection.requested_server_name)', 'POST slow dead grpc bad tcp'),
    ("response.headers['x-up'] == 'v'", 'POST slow'),
    ("upstream.transport_failure_reason.contains('refused')", 'dead'),
    ('has(upstream.transport_failure_reason)', 'POST slow dead grpc tcp'),
    ('upstream.request_attempt_count == 1', 'POST slow dead grpc tcp'),
    ('true', 'POST slow dead grpc bad tcp'),
    ('false', ''),
    ("request.headers.a == '1'", 'POST'),
    ('response.code == 200u', 'POST slow grpc'),
    ("request.path.endsWith('5')", 'POST'),
    ('size(request.path) > 3', 'POST slow dead grpc'),
    ('has(xds.cluster_name)', 'POST slow dead grpc tcp'),
    ("upstream.local_address != ''", 'POST slow grpc tcp'),
    ('has(upstream.address)', 'POST slow dead grpc tcp'),
    ('!has(request.headers.a)', 'slow dead grpc bad tcp'),
    ("request.headers['a'] != '1'", ''),
    ("response.code >= 200 && request.headers['zz'] == '1' || response.code == 503", 'dead'),
    ('has(response.code)', 'POST slow dead grpc bad'),
    ('response.code == 200 || response.code == 503 && false', 'POST slow grpc'),
    ("request.url_path == '/a/path'", 'POST'),
    ("r'a\\b' == 'a\\\\b'", 'POST slow dead grpc bad tcp'),
    ('"\\x61" == "a"', 'POST slow dead grpc bad tcp'),
    ("'\\u0061\\n' == 'a\\n'", 'POST slow dead grpc bad tcp'),
    ('0x1F4 == 500', 'POST slow dead grpc bad tcp'),
    ("request.path > '/a'", 'POST slow dead grpc'),
    ('1.5 < 2.5', 'POST slow dead grpc bad tcp'),
    ('1 < 2.5', 'POST slow dead grpc bad tcp'),
    ('connection.mtls == false', 'POST slow dead grpc bad tcp'),
    ("source.principal == ''", ''),
    ('has(source.principal)', ''),
)
"""Expression, and the exchanges of which Envoy wrote a line."""


@pytest.mark.parametrize(("expression", "expected"), WITNESSED)
def test_as_envoy(expression, expected):
    """The same lines are written."""
    holds = compile_expression(expression)
    assert expected == " ".join([name for name, logged in witnessed().items() if holds(logged)])


@pytest.mark.parametrize(("expression", "expected"), [
    ("", "expected a name, got 'the end'"),
    ("request.path", "expected a condition, got a text"),
    ("response.code == '200'", "expected two of a kind at ==, got a number and a text"),
    ("request.headers == request.headers", "expected two of a kind"),
    ("connection.mtls < true", "expected two of a kind"),
    ("request.foo == 1", "expected an attribute that meshd knows, got request.foo"),
    ("foo", "expected an attribute that meshd knows, got foo"),
    ("response.code + 1 == 2", "character 15: expected a word of an expression"),
    ("response.code >=", "expected a name, got 'the end'"),
    ("(true", "expected ), got 'the end'"),
    ("true)", "expected the end, got ')'"),
    ("true false", "expected the end, got 'false'"),
    ("true && response.code", "expected conditions on both sides of &&, got a number"),
    ("response.code || true", "expected conditions on both sides of ||, got a number"),
    ("!response.code", "expected a condition behind !, got a number"),
    ("-response.code < 0", "expected a number behind -"),
    ("response.code in [200, '3']", "expected constants in a list, each a number, got a text"),
    ("response.code in [response.code]", "expected constants in a list"),
    ("response.code in 3", "expected a list in brackets"),
    ("has(true)", "expected has(an attribute)"),
    ("has(request.headers['a'] == '1')", "expected has(an attribute)"),
    ("int('5') == 5", "got int()"),
    ("duration('x') > request.duration", "duration: expected a duration"),
    ("request.path.startsWith(request.path)", "with a text in quotes, or size(), got startsWith()"),
    ("request.path.reverse('a')", "got reverse()"),
    ("response.code.size() == 1", "expected a text before size(), got a number"),
    ("request.path.matches('(')", "matches('('): missing ): ("),
    ("request.headers[1] == 'a'", "expected the name of a header in brackets"),
    ("request.path == 'a", "expected a word of an expression"),
    (r"request.path == '\q'", "expected an escape that CEL has"),
    (r"request.path == '\ud800'", "expected a character that there is"),
    ("true" + " || true" * MAX_LENGTH, f"expected at most {MAX_LENGTH} characters"),
    ("(" * 99 + "true" + ")" * 99, f"at most {MAX_DEPTH} parentheses"),
    ("!" * 99 + "true", f"at most {MAX_DEPTH} signs"),
    ("a" + "[" * 99, "expected an attribute that meshd knows, got a"),
    ("size(" * 99 + "'a'", f"at most {MAX_DEPTH} parentheses"),
])
def test_what_is_not_understood(expression, expected):
    """It is refused whole, with the place or the reason."""
    with pytest.raises(ExpressionError) as refused:
        compile_expression(expression)
    assert expected in str(refused.value)


@pytest.mark.parametrize(("expression", "of_http", "of_tcp"), [
    ("-1 < response.code", True, False),
    ("response.code in []", False, False),
    ("response.code in [418,]", True, False),
    ("'USER-agent' in request.headers", True, False),
    ("request.useragent.matches('7[.]')", True, False),
    ("(request.path == 'x' || true) && !false", True, True),
    ("request.path == 'x' && false || source.port == 46520", True, False),
    ("request.duration < duration('5ms')", True, False),
    ("request.path.size() == 11", True, False),
    ("response.flags == 0 && upstream.request_attempt_count == 1", True, True),
])
def test_more_of_it(expression, of_http, of_tcp):
    """Signs, lists, blanks, what has no value."""
    holds = compile_expression(expression)
    assert (of_http, of_tcp) == (holds(http()), holds(tcp()))


@given(st.text(alphabet="arequst.pho['\"]()!&|=<>1 in,-", max_size=40))
def test_anything_is_read_or_refused(text):
    """Nothing else is raised, and what was read gives a truth value."""
    try:
        holds = compile_expression(text)
    except ExpressionError:
        return
    assert holds(http()) in (True, False)

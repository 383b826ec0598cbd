"""Reading what rules do with requests, as Istio validates it."""

import pytest

from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import (
    CorsPolicy,
    Destination,
    HttpDirectResponse,
    HttpFault,
    HttpMirror,
    HttpRedirect,
    HttpRetry,
    HttpRewrite,
    VirtualService,
)
from tests.helpers.networking import read, wrong


def rule(action: str) -> str:
    """Give a spec with one rule that does something, beside a route where it needs one."""
    alone = action.startswith(("redirect", "directResponse", "delegate"))
    return f"{{hosts: [web], http: [{{{'' if alone else 'route: [{destination: {host: a}}], '}{action}}}]}}"


@pytest.mark.parametrize(
    ("action", "field", "expected"),
    [
        ("redirect: {prefixRewrite: /b}", "redirect", HttpRedirect(prefix_rewrite="/b")),
        ("redirect: {scheme: https, derivePort: FROM_REQUEST_PORT}", "redirect", HttpRedirect(scheme="https", derive_port="FROM_REQUEST_PORT")),
        ("redirect: {port: 80}", "redirect", HttpRedirect(port=80)),
        ("directResponse: {status: 204}", "direct_response", HttpDirectResponse(204)),
        ("directResponse: {status: 200, body: {bytes: 'YQ'}}", "direct_response", HttpDirectResponse(200, b"a")),
        ("directResponse: {status: 200, body: {bytes: '-_8='}}", "direct_response", HttpDirectResponse(200, b"\xfb\xff")),
        ("rewrite: {authority: a}", "rewrite", HttpRewrite(authority="a")),
        ("rewrite: {uriRegexRewrite: {match: '(a)', rewrite: '\\1b'}}", "rewrite", HttpRewrite(regex_match="(a)", regex_rewrite="\\1b")),
        ("retries: {}", "retries", HttpRetry(0)),
        ("retries: {attempts: 2, retryOn: ' 5xx ,503'}", "retries", HttpRetry(2, retry_on="5xx,503")),
        ("retries: {attempts: 2, retryRemoteLocalities: true}", "retries", HttpRetry(2, remote_localities=True)),
        ("retries: {attempts: 2, perTryTimeout: 20000000.1s}", "retries", HttpRetry(2, 20000000.1)),
        ("fault: {abort: {grpcStatus: UNAVAILABLE}}", "fault", HttpFault(abort_grpc=14)),
        ("fault: {delay: {fixedDelay: 1s, percent: 5}}", "fault", HttpFault(1.0, 5.0)),
        ("fault: {delay: {fixedDelay: 1s}}", "fault", HttpFault(1.0, 0.0)),
        ("mirror: {host: a, subset: b}", "mirrors", (HttpMirror(Destination("a", "b")),)),
        ("mirror: {host: a}, mirrorPercentage: {value: 0.5}", "mirrors", (HttpMirror(Destination("a"), 0.5),)),
        ("mirror: {host: a}, mirror_percent: 5", "mirrors", (HttpMirror(Destination("a"), 5.0),)),
        ("mirrors: [{destination: {host: a}}, {destination: {host: b}, percentage: {}}]", "mirrors",
         (HttpMirror(Destination("a")), HttpMirror(Destination("b"), 0.0))),
        ("corsPolicy: {}", "cors", CorsPolicy()),
        ("corsPolicy: {allowOrigin: ['*', 'https://a.example']}", "cors",
         CorsPolicy((StringMatch("exact", "*"), StringMatch("exact", "https://a.example")))),
        ("corsPolicy: {allowOrigin: [b], allowOrigins: [{prefix: a}]}", "cors", CorsPolicy((StringMatch("prefix", "a"),))),
        ("corsPolicy: {allowOrigins: [{prefix: a}], maxAge: 0s, allowCredentials: false, unmatchedPreflights: UNSPECIFIED}", "cors",
         CorsPolicy((StringMatch("prefix", "a"),), max_age=0.0, allow_credentials=False)),
    ],
)  # fmt: skip
def test_reads_actions(action, field, expected):
    """What is absent has Istio's default; the whole of each stands in the tests of VirtualServices."""
    assert expected == getattr(read(VirtualService, rule(action)).http[0], field)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("redirect: 5", ["error spec.http[0].redirect: expected a mapping, got the number 5"]),
        ("redirect: {}", ["error spec.http[0].redirect: expected uri, authority, scheme or port, got none of them"]),
        ("redirect: {uri: /a, prefixRewrite: /b}", ["error spec.http[0].redirect.prefixRewrite: expected uri or prefixRewrite, got both"]),
        ("redirect: {prefixRewrite: 0, uri: /a}", ["error spec.http[0].redirect.prefixRewrite: expected text, got the number 0; quote it"]),
        ("redirect: {scheme: ftp}", ["error spec.http[0].redirect.scheme: expected http or https, got 'ftp'"]),
        ("redirect: {port: 80, derivePort: FROM_REQUEST_PORT}", ["error spec.http[0].redirect.derivePort: expected port or derivePort, got both"]),
        ("redirect: {uri: /a, redirectCode: 304}", [
            "error spec.http[0].redirect.redirectCode: expected one of 301, 302, 303, 307, 308, got the number 304",
        ]),
        ("redirect: {uri: /a, redirectCode: 200}", [
            "error spec.http[0].redirect.redirectCode: expected a number from 300 to 399, got the number 200",
        ]),
        ('redirect: {uri: "/a\\nb"}', ["error spec.http[0].redirect.uri: expected printable text on one line, got '/a\\nb'"]),
        ("directResponse: {}", ["error spec.http[0].directResponse.status: expected a number from 200 to 599, got nothing"]),
        ("directResponse: {status: 99}", ["error spec.http[0].directResponse.status: expected a number from 200 to 599, got the number 99"]),
        ("directResponse: {status: 200, body: {bytes: '!'}}", ["error spec.http[0].directResponse.body.bytes: expected base64, got other text"]),
        ("directResponse: {status: 200, body: {string: a, bytes: YQ}}", [
            "error spec.http[0].directResponse.body.bytes: expected string or bytes, got both",
        ]),
        ("directResponse: {status: 200, body: text}", ["error spec.http[0].directResponse.body: expected a mapping, got 'text'"]),
        ("delegate: {}", [
            "error spec.http[0].delegate.name: expected a name of lower-case letters, digits, '-' and '.' (RFC 1123 subdomain, at most 253 "
            "characters), got nothing",
        ]),
        ("delegate: {name: A}", [
            "error spec.http[0].delegate.name: expected a name of lower-case letters, digits, '-' and '.' (RFC 1123 subdomain, at most 253 "
            "characters), got 'A'",
        ]),
        ("rewrite: {}", ["error spec.http[0].rewrite: expected uri, uriRegexRewrite or authority, got none of them"]),
        ("rewrite: {uri: /a, uriRegexRewrite: {match: a, rewrite: b}}", [
            "error spec.http[0].rewrite.uriRegexRewrite: expected uri or uriRegexRewrite, got both",
        ]),
        ("rewrite: {uriRegexRewrite: {match: '('}}", [
            "error spec.http[0].rewrite.uriRegexRewrite.match: expected a regular expression of RE2 (missing ): (), got '('",
            "error spec.http[0].rewrite.uriRegexRewrite.rewrite: expected printable text on one line, got nothing",
        ]),
        ("rewrite: {uriRegexRewrite: {}}", [
            "error spec.http[0].rewrite.uriRegexRewrite.match: expected a regular expression, got nothing",
            "error spec.http[0].rewrite.uriRegexRewrite.rewrite: expected printable text on one line, got nothing",
        ]),
        ("rewrite: {uri: 5}", ["error spec.http[0].rewrite.uri: expected text, got the number 5; quote it"]),
        ("rewrite: {uriRegexRewrite: {match: '(a)', rewrite: '\\2'}}", [
            "error spec.http[0].rewrite.uriRegexRewrite.rewrite: expected a text with \\0 to \\1 for groups and \\\\ for a backslash, got '\\\\2'",
        ]),
        ("retries: {attempts: -1}", ["error spec.http[0].retries.attempts: expected a number from 0 to 2147483647, got the number -1"]),
        ("retries: {attempts: 1, perTryTimeout: 1}", [
            "error spec.http[0].retries.perTryTimeout: expected a duration of at least 0.001s such as 10s or 250ms, got the number 1",
        ]),
        ("retries: {perTryTimeout: 1s}", ["error spec.http[0].retries.attempts: expected at least 1 attempt, since perTryTimeout is given, got 0"]),
        ("retries: {attempts: 1, retryOn: sometimes}", [
            "error spec.http[0].retries.retryOn: expected conditions such as connect-failure, 5xx or 503, got 'sometimes'",
        ]),
        ("retries: {attempts: 1, retryOn: '5xx, rest'}", [
            "error spec.http[0].retries.retryOn: expected conditions such as connect-failure, 5xx or 503, got 'rest'; did you mean reset?",
        ]),
        ("retries: {attempts: -1, retryOn: 5xx}", [
            "error spec.http[0].retries.attempts: expected a number from 0 to 2147483647, got the number -1",
        ]),
        ("retries: {attempts: 1, retryOn: 799}", ["error spec.http[0].retries.retryOn: expected text, got the number 799; quote it"]),
        ("retries: {attempts: 1, retryOn: '799'}", [
            "error spec.http[0].retries.retryOn: expected conditions such as connect-failure, 5xx or 503, got '799'",
        ]),
        ("retries: {attempts: 1, retryOn: '²'}", [
            "error spec.http[0].retries.retryOn: expected conditions such as connect-failure, 5xx or 503, got '²'",
        ]),
        ("retries: {attempts: 1, backoff: 1us}", [
            "error spec.http[0].retries.backoff: expected a duration of at least 0.001s such as 10s or 250ms, got '1us'",
        ]),
        ("fault: {}", ["error spec.http[0].fault: expected delay or abort, got neither"]),
        ("fault: {delay: {}}", ["error spec.http[0].fault.delay.fixedDelay: expected a duration, got nothing"]),
        ("fault: {abort: {}}", ["error spec.http[0].fault.abort: expected httpStatus or grpcStatus, got neither"]),
        ("fault: {abort: {httpStatus: 503, grpcStatus: OK}}", ["error spec.http[0].fault.abort: expected httpStatus or grpcStatus, got both"]),
        ("fault: {abort: {httpStatus: 199}}", ["error spec.http[0].fault.abort.httpStatus: expected a number from 200 to 599, got the number 199"]),
        ("fault: {abort: {grpcStatus: FINE}}", ["error spec.http[0].fault.abort.grpcStatus: expected a gRPC status such as UNAVAILABLE, got 'FINE'"]),
        ("fault: {delay: {fixedDelay: 1s, percentage: 50}}", ["error spec.http[0].fault.delay.percentage: expected a mapping, got the number 50"]),
        ("fault: {delay: {fixedDelay: 1s, percentage: {value: 101}}}", [
            "error spec.http[0].fault.delay.percentage.value: expected a number from 0 to 100, got the number 101",
        ]),
        ("fault: {delay: {fixedDelay: 1s, percent: 101}}", [
            "error spec.http[0].fault.delay.percent: expected a number from 0 to 100, got the number 101",
        ]),
        ("fault: {abort: {httpStatus: 503, percentage: {value: '5'}}}", [
            "error spec.http[0].fault.abort.percentage.value: expected a number from 0 to 100, got '5'; remove the quotes",
        ]),
        ("mirror: {host: a}, mirrors: [{destination: {host: b}}]", [
            "error spec.http[0].mirrors: expected mirror or mirrors, got both",
        ]),
        ("mirrors: [{}]", [
            "error spec.http[0].mirrors[0].destination: expected a destination, got nothing",
        ]),
        ("mirror: {host: a}, mirrorPercent: 5", [
            "warning spec.http[0].mirrorPercent: expected mirrorPercentage, got the old mirrorPercent",
        ]),
        ("mirror: {host: a}, mirrorPercentage: {value: -1}", [
            "error spec.http[0].mirrorPercentage.value: expected a number from 0 to 100, got the number -1",
        ]),
        ("corsPolicy: {allowOrigins: [{}]}", ["error spec.http[0].corsPolicy.allowOrigins[0]: expected exact, prefix or regex, got none of them"]),
        ("corsPolicy: {allowOrigins: ['*']}", ["error spec.http[0].corsPolicy.allowOrigins[0]: expected a mapping, got '*'"]),
        ("corsPolicy: {allowOrigins: [{exact: ''}]}", ["error spec.http[0].corsPolicy.allowOrigins[0].exact: expected a text, got an empty text"]),
        ("corsPolicy: {allowOrigins: [{exact: 5}]}", [
            "error spec.http[0].corsPolicy.allowOrigins[0].exact: expected text, got the number 5; quote it",
        ]),
        ("corsPolicy: {allowOrigin: [a, {exact: b}]}", [
            "error spec.http[0].corsPolicy.allowOrigin[1]: expected text, got a mapping",
        ]),
        ("corsPolicy: {allowMethods: [get]}", ["error spec.http[0].corsPolicy.allowMethods[0]: expected a method such as GET, got 'get'"]),
        ("corsPolicy: {allowHeaders: [a b]}", ["error spec.http[0].corsPolicy.allowHeaders[0]: expected a header's name, got 'a b'"]),
        ("corsPolicy: {maxAge: 1500ms}", ["error spec.http[0].corsPolicy.maxAge: expected whole seconds, got '1500ms'"]),
        ("corsPolicy: {maxAge: 5}", ["error spec.http[0].corsPolicy.maxAge: expected a duration such as 10s or 250ms, got the number 5"]),
        ("corsPolicy: {unmatchedPreflights: DROP}", [
            "error spec.http[0].corsPolicy.unmatchedPreflights: expected FORWARD or IGNORE or UNSPECIFIED, got 'DROP'",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(action, expected):
    """Each with its field."""
    assert expected == wrong(VirtualService, rule(action))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (100 * 1024, []),
        (100 * 1024 + 1, ["warning spec.http[0].directResponse.body: expected a short body, got 102401 bytes, which every machine holds in memory"]),
        (1024 * 1024 + 1, ["error spec.http[0].directResponse.body: expected at most 1048576 bytes, got 1048577"]),
    ],
)  # fmt: skip
def test_bodies_are_short(size, expected):
    """As with Istio."""
    assert expected == wrong(VirtualService, rule(f"directResponse: {{status: 200, body: {{string: {'a' * size}}}}}"))

"""The demo's expected log lines: they match the article's own, and tell where a line departs."""

import pytest

from tests.demo import lines

UUID = "168fdee8-c869-9029-9ec6-fca5fc73f256"
ARTICLE = {
    lines.INBOUND: (
        f'[2021-06-07T08:49:10.789Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 612 1 0 "-" "curl/7.64.0" "{UUID}" "172.17.0.11" "172.17.0.11:80" '
        "inbound|80|| 127.0.0.6:54151 172.17.0.11:80 172.17.0.1:53596 - default"
    ),
    lines.INBOUND_PASSTHROUGH: (
        f'[2021-06-07T08:55:27.740Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 612 1 0 "-" "curl/7.64.0" "{UUID}" "172.17.0.11" "172.17.0.11:80" '
        "InboundPassthroughClusterIpv4 127.0.0.6:59195 172.17.0.11:80 172.17.0.1:57796 - default"
    ),
    lines.OUTBOUND_PASSTHROUGH: (
        f'[2021-06-07T09:00:01.547Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 612 0 0 "-" "curl/7.58.0" "{UUID}" "172.17.0.11" "172.17.0.11:80" '
        "PassthroughCluster 172.17.0.15:40690 172.17.0.11:80 172.17.0.15:40688 - allow_any"
    ),
    lines.OUTBOUND: (
        f'[2021-06-08T02:16:54.478Z] "GET / HTTP/1.1" 200 - via_upstream - "-" 0 612 2 2 "-" "curl/7.58.0" "{UUID}" "10.104.15.140" "172.17.0.13:80" '
        "outbound|80||my-nginx.default.svc.cluster.local 172.17.0.15:43896 10.104.15.140:80 172.17.0.15:46396 - default"
    ),
    lines.OUTBOUND_TCP: (
        '[2021-06-08T02:16:54.478Z] "- - -" 0 - - - "-" 13 309 2 - "-" "-" "-" "-" "172.17.0.13:80" '
        "outbound|80||my-nginx.default.svc.cluster.local 172.17.0.15:43896 10.104.15.140:80 172.17.0.15:46396 - -"
    ),
    lines.TIMED_OUT: (
        '[2021-06-07T09:08:38.243Z] "GET / HTTP/1.1" 503 UF upstream_reset_before_response_started{connection_timeout} - "-" 0 91 10003 - "-" '
        f'"curl/7.58.0" "{UUID}" "10.104.15.140" "10.104.15.140:80" PassthroughCluster - 10.104.15.140:80 172.17.0.15:38558 - allow_any'
    ),
}


@pytest.mark.parametrize(("expected", "line"), ARTICLE.items())
def test_takes_the_lines_of_the_article(expected, line):
    """What varies may differ, nothing else does."""
    assert "" == lines.difference(expected, line)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("[2021", "2021", "expected '[', found '2021-06-07"),
        ("via_upstream", "via_upstream ", "expected '- \"-\" 0 612 ', found ' - \"-\" 0 612"),
        ("0 612", "0 615", "expected '2 ', found '5 1 0"),
        ("127.0.0.6:54151", "127.0.0.6:0", "expected {port} at '0 172.17.0.11:80"),
        ("inbound|80||", "inbound|80|", "expected '| 127.0.0.6:', found ' 127.0.0.6:54151"),
        (UUID, "-", "expected {uuid} at '-\""),
        ("- default", "- default x", "expected the end, found ' x'"),
        ("- default", "- defaul", "expected 't', found ''"),
    ],
)
def test_tells_where_a_line_departs(old, new, expected):
    """One character more or less is a departure."""
    difference = lines.difference(lines.INBOUND, ARTICLE[lines.INBOUND].replace(old, new))
    assert expected == difference[: len(expected)]


@pytest.mark.parametrize(
    ("expected", "name", "found"),
    [(lines.OUTBOUND, "nginx", ["172.17.0.13:80"]), (lines.OUTBOUND_TCP, "bytes", ["13", "309"]), (lines.INBOUND, "nginx", [])],
)
def test_reads_what_varies(expected, name, found):
    """Values come out in order."""
    assert found == lines.values(expected, ARTICLE[expected], name)


def test_reads_nothing_from_another_line():
    """A line that does not match has no values."""
    assert [] == lines.values(lines.OUTBOUND, ARTICLE[lines.INBOUND], "port")

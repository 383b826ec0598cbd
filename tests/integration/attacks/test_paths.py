"""Tricks with paths and hosts: what is matched is what is logged, forwarded and, as far as a mode promises it, served."""

import re
from contextlib import ExitStack
from itertools import product
from urllib.parse import unquote_to_bytes

import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from tests.helpers.worker_process import WorkerProcess
from tests.integration.attacks.back_ends import Recorder
from tests.integration.attacks.playing import play_all, world
from tests.integration.attacks.rows import Row

MODES = ("NONE", "BASE", "MERGE_SLASHES", "DECODE_AND_MERGE_SLASHES")
ROUTES = RouteConfiguration("80", (VirtualHost("all", ("*",), (
    Route("admin", RouteMatch("prefix", "/admin"), RouteAction("admin")), Route("default", RouteMatch(), RouteAction("app")),
)),))
SLASHES = (b"/", b"//", b"\\", b"%2f", b"%2F", b"%5c", b"%252f")
DOTS = (b"..", b".%2e", b"%2E%2e", b"..;", b"..;x=1", b"%2e%2e;", b"%252e%252e", b"..%3b")
PATHS = [
    *[b"/a" + slash + dots + after + b"admin" for slash, dots, after in product(SLASHES, DOTS, (b"/", b"\\", b"%2f"))],
    *[before + b"admin" for before in (
        b"/./", b"/%2e/", b"/.;/", b"/.;x/", b"//", b"///", b"/;/", b"/;x=1/", b"/x;/../", b"/%2f", b"/%5c", b"/\\", b"/%2e%2f", b"/a/b/../../",
        b"/../../", b"/a/...//",
    )],
    *[b"/admin" + after for after in (
        b"", b"/", b"//", b"/.", b"/..", b"/../", b";x=1", b";/x", b"%3bx", b"?", b"?/../a", b"#", b"#/../a", b"%23", b"%3f", b"%20", b".",
        b"/%2e%2e/app", b"/..;/app",
    )],
    *[b"/" + name for name in (
        b"%61dmin", b"adm%69n", b"%41dmin", b"ADMIN", b"%2561dmin", b"%c1%a1dmin", b"%ad", b"admi%", b"admi%6", b"admi%6g", b"%00admin", b"admin%00",
        b"%0d%0aX: y", b"%zz",
        b"\"", b"<>", b"{}", b"|", b"^", b"`", b"'", b"%22", b"%7f", b"%80", b"%ff", b"~", b"!$&()*+,=:@[]", b"a?x=//../admin%2f", b"*", b"%E2%80%AE",
        b"%c0%ae%c0%ae/admin",
    )],
]
HOSTS = [
    b"a.test", b"A.TEST", b"a.test.", b"a.test:80", b"a.test:", b"a.test:x", b"a.test,b.test", b"user@a.test", b"user:pw@a.test", b"[::1]",
    b"[::1]:80", b"[::1", b"",
    b"xn--80ak6aa92e.test", b"a_b.test", b"%61.test", b"127.1", b"0x7f.1", b"*", b"..", b"-", b"a" * 300, b":80", b"a.test:99999",
]


def applications_view(target: str) -> bytes:
    """Read a path as an obliging application does: parameters of dot segments cut, escapes decoded once, backslashes, dots, runs of slashes."""
    raw = re.sub(rb"((?:^|[/\\])(?:\.|%2[eE]){1,2});[^/\\]*", rb"\1", target.partition("?")[0].encode())
    kept: list[bytes] = []
    for segment in unquote_to_bytes(raw).replace(b"\\", b"/").split(b"/"):
        if segment == b"..":
            del kept[-1:]
        elif segment not in (b"", b"."):
            kept.append(segment)
    return b"/" + b"/".join(kept)


def ask(start: bytes, host: bytes, name: str) -> Row:
    """Give a row of one request, which may be refused or served."""
    return Row(name, b"GET " + start + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n", (0,), "")


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Give the log lines of all paths in all modes and of all hosts, and what each back end saw by request id."""
    folder = tmp_path_factory.mktemp("paths")
    with ExitStack() as stack:
        back_ends = {name: Recorder() for name in ("admin", "app")}
        for back_end in back_ends.values():
            stack.callback(back_end.close)
        managers = {mode: HttpConnectionManager("http", path_normalization=mode) for mode in MODES}
        worker = WorkerProcess(world(folder, {name: back_end.port for name, back_end in back_ends.items()}, ROUTES, **managers), folder)
        stack.callback(worker.close)
        found = {mode: play_all(worker.ports[mode], [ask(path, b"a.test", repr(path)) for path in PATHS], folder / "log") for mode in MODES}
        found["hosts"] = play_all(worker.ports["BASE"], [ask(b"/", host, repr(host)) for host in HOSTS], folder / "log")
        assert "Traceback" not in worker.errors()
    lines = {group: {name: outcome.lines[0] for name, outcome in group_outcomes.items()} for group, group_outcomes in found.items()}
    return lines, {(name, seen.request_id): seen for name, back_end in back_ends.items() for seen in back_end.seen}


@pytest.mark.parametrize("mode", MODES)
def test_one_path_is_matched_logged_and_forwarded(outcomes, mode):
    """Whatever was sent: the back end of the route that takes the logged path got that path, and nothing is neither refused nor served."""
    lines, seen = outcomes
    served = [line for line in lines[mode].values() if line["details"] == "via_upstream"]
    assert {"200", "400"} == {line["status"] for line in lines[mode].values()}
    assert [] == [line for line in served if (line["cluster"] == "admin") != line["path"].startswith("/admin")]
    assert [] == [line for line in served if seen[line["cluster"], line["id"]].target != line["path"]]
    assert all(re.fullmatch(r"/[!-~]*", line["path"]) for line in served)
    assert len(PATHS) // 2 < len(served)


def test_no_trick_hides_a_path_that_is_decoded(outcomes):
    """In the mode that decodes slashes, an application that decodes once reaches `/admin` by no path that was not taken for it."""
    lines, _ = outcomes
    served = [line for line in lines["DECODE_AND_MERGE_SLASHES"].values() if line["details"] == "via_upstream"]
    assert [] == [line["path"] for line in served if applications_view(line["path"]).startswith(b"/admin") and line["cluster"] != "admin"]


def test_only_escaped_slashes_hide_a_path_by_default(outcomes):
    """In Istio's default mode it is escaped slashes and runs of slashes that an application may see through, and nothing else."""
    lines, _ = outcomes
    served = [line for line in lines["BASE"].values() if line["details"] == "via_upstream" and line["cluster"] != "admin"]
    hidden = [line["path"] for line in served if applications_view(line["path"]).startswith(b"/admin")]
    assert [] == [path for path in hidden if not re.search("(?i)%2f|%5c|//", path)]


def test_one_host_is_matched_logged_and_forwarded(outcomes):
    """Where every host is taken, a host that is no name may be forwarded, yet as the one that was logged; no Host is ever made up or cut."""
    lines, seen = outcomes
    for host in HOSTS:
        line = lines["hosts"][repr(host)]
        assert line["details"] in ("via_upstream", "http.invalid_authority")
        if line["details"] == "via_upstream":
            assert (host.decode(), host.decode()) == (line["host"] if host else "", seen[line["cluster"], line["id"]].host)

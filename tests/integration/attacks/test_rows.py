"""
Every row is played through a running worker, compiled and not, in front of back ends that read requests in their own ways.

What a back end takes for a request is what meshd logged as one, and what was meant; and whoever is answered is answered what it asked.
"""

import re
from contextlib import ExitStack

import pytest

from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from tests.helpers.worker_process import WorkerProcess, is_compiled
from tests.integration.attacks.back_ends import BACK_ENDS, answer_to, missing
from tests.integration.attacks.more_rows import HEADER_LINES, HOSTS, PIPELINES, REQUEST_LINES
from tests.integration.attacks.playing import logged_as_served, play_all, seen_by, told, world
from tests.integration.attacks.rows import CHUNKS, CODINGS, LENGTHS

ROWS = [*LENGTHS, *CODINGS, *CHUNKS, *REQUEST_LINES, *HEADER_LINES, *HOSTS, *PIPELINES]
ROUTES = RouteConfiguration("80", (VirtualHost("svc", ("svc.test",), (Route("default", RouteMatch(), RouteAction("back")),)),))
PLAYS = [("sources", "recorder"), ("installed", "recorder"), ("sources", "h11"), ("sources", "http.server"), ("sources", "node")]
HEAD_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+: [^\x00-\x08\x0a-\x1f\x7f]*")


class Played:
    """All rows, played through one worker."""

    def __init__(self, folder, build, name):
        """Play them."""
        with ExitStack() as stack:
            self.back_end = BACK_ENDS[name]()
            stack.callback(self.back_end.close)
            snapshot = world(folder, {"back": self.back_end.port}, ROUTES, http=HttpConnectionManager("http"))
            worker = WorkerProcess(snapshot, folder, installed=build == "installed")
            stack.callback(worker.close)
            self.log = folder / "log"
            self.outcomes = play_all(worker.ports["http"], ROWS, self.log)
            worker.wait_until_idle()
            self.counts, self.errors = worker.counts(), worker.errors()


@pytest.fixture(scope="module", params=PLAYS, ids="-".join)
def played(request, tmp_path_factory):
    """Give all rows, played through a build of meshd to a back end."""
    build, name = request.param
    if missing(name):
        pytest.skip(f"there is no {name} here")
    if build == "installed" and not is_compiled():
        pytest.skip("the installed meshd is not compiled (or not installed)")
    return Played(tmp_path_factory.mktemp("rows"), build, name)


def came_of(row, outcome, seen_by_id):
    """Give what came of a row: statuses, details, whether the connection closes, requests at the back end, and what else is amiss."""
    amiss = []
    served = []
    for line, answer in zip(outcome.lines, outcome.answers, strict=False):
        if line["status"] != str(answer.status):
            amiss.append(f"logged as {line['status']}")
        if line["details"] == "via_upstream":
            seen = seen_by_id[line["id"]]
            served.append(told(seen))
            if answer.body != (b"" if seen.method == "HEAD" else answer_to(seen)):
                amiss.append(f"another's answer: {answer.body}")
    if len(outcome.lines) != len(outcome.answers):
        amiss.append(f"{len(outcome.lines)} lines of the log")
    if outcome.rest:
        amiss.append(f"bytes too many: {outcome.rest}")
    if not row.closes and not (outcome.probed and outcome.probed.body.startswith(b"GET /probe ")):
        amiss.append(f"another request is answered {outcome.probed}")
    closes = bool(outcome.answers) and outcome.answers[-1].headers.get("connection") == "close"
    details = outcome.lines[-1]["details"] if outcome.lines else ""
    return tuple(answer.status for answer in outcome.answers), details, closes, tuple(served), amiss


def test_each_row_comes_to_what_was_meant(played):
    """Statuses, details, requests at the back end, and the connection afterwards; each answer is that of its own request."""
    seen_by_id = {seen.request_id: seen for seen in played.back_end.seen}
    wanted = {row.name: (row.statuses, row.details, row.closes, row.seen, []) for row in ROWS}
    found = {row.name: came_of(row, played.outcomes[row.name], seen_by_id) for row in ROWS}
    assert len(ROWS) == len(wanted)
    assert {} == {name: (f"expected {wanted[name]}", f"found {found[name]}") for name in wanted if wanted[name] != found[name]}


def test_the_back_end_saw_what_meshd_logged(played):
    """Neither more nor fewer requests, each of one method, target, host and length of body."""
    assert sorted(logged_as_served(played.log)) == sorted(seen_by(played.back_end))
    assert not [seen for seen in played.back_end.seen if "smuggled" in seen.target]


def test_what_was_written_is_plain(played):
    """Heads are single lines of a name in lower case and a value, with one Host and at most one framing."""
    for stream in filter(None, played.back_end.streams):
        head = bytes(stream).partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
        names = [line.partition(b":")[0] for line in head]
        assert all(HEAD_LINE.fullmatch(line) for line in head)
        assert 1 == names.count(b"host")
        assert 1 >= names.count(b"content-length") + names.count(b"transfer-encoding")


def test_nothing_is_left(played):
    """No bug was logged, no operator bothered; no connection and no exchange is left, nor a timer but the worker's own."""
    assert (0, 0, []) == (played.counts.connections, played.counts.exchanges, played.counts.problems)
    assert "Traceback" not in played.errors
    assert 2 >= played.counts.timers

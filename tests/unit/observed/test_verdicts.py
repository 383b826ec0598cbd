"""How played cases are compared with recorded ones."""

from pathlib import Path

import pytest

from tests.helpers.source_tree import ROOT
from tests.observed.verdicts import TABLE, Choice, Table, Verdict, describe, judge, page, read_table, summary, timeless

KNOWN = {"name": "B.lf", "says": "a bare LF", "log": [{"status": "200", "flags": "-", "details": "via_upstream"}]}
REFUSED = {"name": "B.lf", "log": [{"status": "400", "flags": "DPE", "details": "http1.codec_error"}]}
CHOICE = Choice("B.lf", "a bare LF", "200 - via_upstream", "400 DPE http1.codec_error", "why")
CHOSEN, PENDING, NOTHING = Table({"B.lf": CHOICE}, {}), Table({}, {"B.lf": "it"}), Table({}, {})


def find(known, record):
    """Give what differs in the log."""
    pairs = ((f"log 0 {key}", known["log"][0][key], record["log"][0][key]) for key in ("status", "flags", "details"))
    return [(what, left, right) for what, left, right in pairs if left != right]


@pytest.mark.parametrize(
    ("record", "table", "expected"),
    [
        (KNOWN, NOTHING, ("same", "")),
        (REFUSED, CHOSEN, ("by choice", "")),
        (REFUSED, PENDING, ("pending", "")),
        ({"name": "B.lf", "failed": "x"}, PENDING, ("pending", "")),
        (REFUSED, NOTHING, ("different", "log 0 status; log 0 flags; log 0 details")),
        ({"name": "B.lf", "failed": "x"}, NOTHING, ("different", "failed")),
        (KNOWN, PENDING, ("different", "is the same now: take it out of the pending cases")),
        (KNOWN, CHOSEN, ("different", "is the same now: take it out of the choices")),
        ({"name": "B.lf", "log": [{"status": "431", "flags": "-", "details": "-"}]}, CHOSEN,
         ("different", "meshd: the table has '400 DPE http1.codec_error', found '431 - -'")),
        ({"name": "B.lf", "failed": "x"}, CHOSEN, ("different", "envoy: the table has '200 - via_upstream', found 'failed: '")),
    ],
)
def test_a_case_is_the_same_or_known_to_differ(record, table, expected):
    """Nothing differs in silence, and what is said of a difference has to be true."""
    assert Verdict("B.lf", *expected) == judge(KNOWN, record, table, find)


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([("log 0 status", "200", "400")], ("200 - via_upstream", "400 DPE http1.codec_error")),
        ([("log 0 user_agent", 'a"', 'a\\"')], ('user_agent: a"', 'user_agent: a\\"')),
        ([("upstream", ["x" * 100], [])], ("upstream: ['" + "x" * 88 + "...", "upstream: []")),
        ([("table", [{"path": "/", "logged": "/"}, {"path": "/a", "logged": "a", "status": "200"}],
           [{"path": "/", "logged": "/"}, {"path": "/a", "logged": "b", "status": "200"}])],
         ("table: path /a, logged a", "table: path /a, logged b")),
        ([("table", [1], None)], ("table: [1]", "table: None")),
    ],
)
def test_what_came_of_a_case_is_one_line(differences, expected):
    """Status, flags and details where they differ; otherwise what does."""
    assert expected == (describe(KNOWN, differences, 1), describe(REFUSED, differences, 2))


def test_groups_are_summed_up():
    """With a row for all of them."""
    verdicts = [Verdict("B.a", "same"), Verdict("B.b", "pending"), Verdict("A.a", "different", "x"), Verdict("A.b", "by choice")]
    assert [("A", 2, 0, 1, 0, 1), ("B", 2, 1, 0, 1, 0), ("all", 4, 1, 1, 1, 1)] == summary(verdicts)


def test_a_case_stands_in_the_table_once():
    """By choice or pending."""
    text = "by choice:\n- {why: w, cases: {B.a: {sends: s, envoy: e, meshd: m}}}\npending:\n- {needs: n, cases: [B.a]}\n"
    with pytest.raises(ValueError, match=r"found B\.a twice"):
        read_table(text)


def test_the_page_is_written_from_the_table():
    """`python -m tests.observed --write` does it."""
    assert page(read_table(TABLE.read_text())) == Path(ROOT / "docs" / "differences-from-envoy.md").read_text()


def test_cells_are_printable_and_keep_their_column():
    """Whatever a case sends."""
    choice = Choice("B.a", "a|b", "tab\there", "m", "why")
    assert "| B.a | a\\|b | tab<09>here | m |" in page(Table({"B.a": choice}, {})).splitlines()


def test_the_time_left_for_later_tries_is_no_difference():
    """The first try's is what is configured."""
    asked = "GET / HTTP/1.1\r\nx-envoy-expected-rq-timeout-ms: %s\r\nx-envoy-attempt-count: %d\r\n\r\n"
    record = {"upstream": [{"received": asked % (300, 1) + asked % (187, 2)}]}
    assert {"upstream": [{"received": asked % (300, 1) + asked % ("MS", 2)}]} == timeless(record)


def test_which_endpoint_chance_has_chosen_is_no_difference():
    """In the one case that ends with a pick among two; in others it is."""
    one, other = [{"received": "a"}], [{"received": "b"}, {"received": "a"}]
    pairs = ((one, other), (other, one))
    records = [{"name": name, "upstream": first, "upstream2": second} for name in ("A.outlier", "A.x") for first, second in pairs]
    outlier, turned, plain, swapped = map(timeless, records)
    assert outlier == turned == {"name": "A.outlier", "upstream": [*one, *one, other[0]]}
    assert (plain, swapped) == tuple(records[2:])

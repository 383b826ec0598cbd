"""Path normalization as a real Envoy does it."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshd.tables.paths import build_normalize, refuse_path

OBSERVED = Path(__file__).resolve().parents[4] / "shared" / "observed" / "observed.json"
MODES = {"C.none": "NONE", "C.base": "BASE", "C.merge": "MERGE_SLASHES", "C.decode": "DECODE_AND_MERGE_SLASHES"}


def rows(*lines):
    """Give (mode, sent, expected) for lines of what is sent and what it becomes as BASE, NONE, MERGE and DECODE; `=` is as in BASE."""
    found = []
    for sent, base, none, merge, decode in lines:
        for mode, expected in (("BASE", base), ("NONE", none), ("MERGE_SLASHES", merge), ("DECODE_AND_MERGE_SLASHES", decode)):
            found.append((mode, sent, base if expected == "=" else expected))
    return found


@pytest.mark.parametrize(
    ("mode", "sent", "expected"),
    rows(
        ("/", "/", "=", "=", "="),
        ("//", "//", "=", "=", "="),
        ("///", "///", "=", "//", "//"),
        ("//a", "//a", "=", "/a", "/a"),
        ("/a///b//", "/a///b//", "=", "/a/b/", "/a/b/"),
        ("/./a", "/a", "/./a", "=", "="),
        ("/a/.", "/a/", "/a/.", "=", "="),
        ("/a/..", "/", "/a/..", "=", "="),
        ("/a/../../b", "/b", "/a/../../b", "=", "="),
        ("//../b", "/b", "//../b", "=", "="),
        ("/%2e/a", "/a", "/%2e/a", "=", "="),
        ("/a/.%2E/b", "/b", "/a/.%2E/b", "=", "="),
        ("/a/..;/b", "/b", "/a/..;/b", "=", "="),
        ("/a/..;x=1\\y/b", "/b", "/a/..;x=1\\y/b", "=", "="),
        ("/a/%2e%2e;/b", "/b", "/a/%2e%2e;/b", "=", "="),  # Envoy: /a/..;/b
        ("/a\\..;x\\b", "/b", "/a\\..;x\\b", "=", "="),
        ("/a/%2e;/b", "/a/b", "/a/%2e;/b", "=", "="),
        ("/a;x=1/b", "/a;x=1/b", "=", "=", "="),
        ("/...", "/...", "=", "=", "="),
        ("/.a", "/.a", "=", "=", "="),
        ("/a\\b", "/a/b", "/a\\b", "=", "="),
        ("/a/..\\b", "/b", "/a/..\\b", "=", "="),
        ("/a%2Fb", "/a%2Fb", "=", "=", "/a/b"),
        ("/a%5cb", "/a%5cb", "=", "=", "/a/b"),
        ("/a/..%2fb", "/a/..%2fb", "=", "=", "/b"),
        ("/a%2F%2Fb", "/a%2F%2Fb", "=", "=", "/a/b"),
        ("/a%00b", "", "/a%00b", "=", "="),
        ("/a%0ab", "/a%0ab", "=", "=", "="),
        ("/a%252fb", "/a%252fb", "=", "=", "="),
        ("/a%zzb", "/a%zzb", "=", "=", "="),
        ("/a%", "/a%", "=", "=", "="),
        ("/a%2", "/a%2", "=", "=", "="),
        ("/%2%35", "/%2525", "/%2%35", "=", "="),
        ("/%%32e", "/%252e", "/%%32e", "=", "="),
        ("/%2%66", "/%252f", "/%2%66", "=", "="),
        ("/%61%41%7e", "/aA~", "/%61%41%7e", "=", "="),
        ("/%c0%ae%c0%ae/a", "/%c0%ae%c0%ae/a", "=", "=", "="),
        ('/"<>^`{|}', "/%22%3C%3E%5E%60%7B%7C%7D", '/"<>^`{|}', "=", "="),
        ("/a?b=../c", "/a?b=../c", "=", "=", "="),
        ("/a//b?c=//d%61", "/a//b?c=//d%61", "=", "/a/b?c=//d%61", "/a/b?c=//d%61"),
        ("/a#b", "/a", "=", "=", "="),
        ("/a?#x", "/a?", "=", "=", "="),
        ("/a#/../b", "/a", "=", "=", "="),
        ("*", "*", "=", "=", "="),
        ("?x=1", "?x=1", "=", "=", "="),
    ),
)
def test_gives_the_one_form(mode, sent, expected):
    """Dot segments, escapes, backslashes, runs of slashes, parameters, fragments, and what is made to fool a decoder."""
    assert expected.encode() == build_normalize(mode)(sent.encode())


@pytest.mark.parametrize(("action", "sent", "is_grpc", "logged", "status"), [
    ("REJECT_REQUEST", "/a/..%2Fb?c=%2F", False, "/a/../b?c=%2F", 400),
    ("UNESCAPE_AND_REDIRECT", "/a%5C../b%2f#x", False, "/b/", 307),
    ("UNESCAPE_AND_REDIRECT", "/a%2Fb?c=%2F", True, "/a/b?c=%2F", 400),
    ("UNESCAPE_AND_REDIRECT", "/a%2f%00", False, "/a/%00", 400),
    ("UNESCAPE_AND_REDIRECT", "/a%00", False, "/a%00", 400),
    ("", "/a%00", False, "/a%00", 400),
])
def test_escaped_slashes_that_are_not_taken(action, sent, is_grpc, logged, status):
    """Refused, or sent to the path with slashes; gRPC clients follow nowhere."""
    assert b"" == build_normalize("BASE", action)(sent.encode())
    path, reply = refuse_path(sent.encode(), "BASE", action, is_grpc)
    assert (logged, status, "path_normalization_failed", status == 400) == (path.decode(), reply.status, reply.details, reply.close)
    assert reply.headers == ((("location", logged),) if status == 307 else ())


@pytest.mark.parametrize("sent", ["/a?b=%2F", "/a#%2f", "/a%25"])
def test_paths_without_escaped_slashes_are_taken(sent):
    """Whatever is done with others."""
    assert build_normalize("BASE")(sent.encode()) == build_normalize("BASE", "REJECT_REQUEST")(sent.encode())


@pytest.mark.parametrize("byte", [0x01, 0x20, 0x7F, 0x80, 0xE9, 0xFF])
def test_bytes_that_are_no_letters_are_escaped(byte):
    """HTTP/2 may carry them; they go on as escapes."""
    assert b"/a%%%02Xb" % byte == build_normalize("BASE")(b"/a" + bytes([byte]) + b"b")


def test_long_hostile_paths_take_linear_time():
    """Neither dots nor escapes nor lone percents pile up work."""
    for piece in (b"/..", b"/a/..", b"%2%35", b"%", b"/.;", b"%2e/"):
        assert build_normalize("DECODE_AND_MERGE_SLASHES")(b"/" + piece * 20_000)


@pytest.mark.parametrize("case", MODES)
def test_every_observed_path(case):
    """Each row that a real Envoy was watched with."""
    if not OBSERVED.exists():
        pytest.skip("the record of a real Envoy is not beside this checkout")
    content = json.loads(OBSERVED.read_text())
    records = content if isinstance(content, list) else content["cases"]
    table = next(record["table"] for record in records if record["name"] == case)
    normalize = build_normalize(MODES[case])
    expected = {row["path"]: row.get("upstream") or "" for row in table}
    assert expected == {path: normalize(path.encode()).decode() for path in expected}


PARTS = st.sampled_from([
    b"/", b"//", b"..", b".", b"%2e", b"%2E", b"%2f", b"%5c", b"\\", b";", b";x=1", b"a", b"%", b"2", b"5", b"f", b"e", b"C", b"%25", b"%32", b"%66",
    b"%65", b"%61", b"%3b", b"%c0%ae", b"?", b"#", b'"', b"<",
])


@pytest.mark.parametrize("mode", MODES.values())
@settings(max_examples=300, deadline=None)
@given(parts=st.lists(PARTS, max_size=9))
def test_a_normalized_path_is_normal(mode, parts):
    """Normalized again, as an application may do before it serves it, it is what was matched and authorized."""
    normalize = build_normalize(mode)
    path = normalize(b"/" + b"".join(parts))
    assert path == b"" or path == normalize(path)

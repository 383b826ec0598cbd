"""JSON lines as Envoy 1.40 writes them."""

import json

import pytest

from meshd.telemetry.log_json import MAX_DEPTH, compile_json, find_json_problems
from meshd.telemetry.log_values import Surroundings
from tests.helpers.log_samples import http, tcp

NESTED = {
    "z": "%PROTOCOL%", "a": {"x": "%RESPONSE_CODE%", "b": ["%REQ(A)%", "%REQ(NONE)%", {"q": "%REQ(NONE)%"}, "lit"], "n": {"m": "%REQ(NONE)%"}},
    "e": "", "num": 5, "f": 1.5, "t": True, "nul": None, "mix": "%REQ(NONE)%x%RESPONSE_CODE%", "pct": "100%%", "two": "%RESPONSE_CODE%%BYTES_SENT%",
    "emptyl": [], "emptyo": {}, "hdr": "%REQ(EMPTY)%", "fl": "%RESPONSE_FLAGS%", "100%s": "k",
}
OMITTED = {
    "z": "%PROTOCOL%", "a": {"x": "%RESPONSE_CODE%", "b": ["%REQ(A)%", "%REQ(NONE)%", {"q": "%REQ(NONE)%"}, "lit"], "n": {"m": "%REQ(NONE)%"}},
    "e": "", "mix": "%REQ(NONE)%x%RESPONSE_CODE%", "mixnone": "%REQ(NONE)%%REQ(NONE)%", "hdr": "%REQ(EMPTY)%", "fl": "%RESPONSE_FLAGS%", "nul": None,
    "cf": "%CUSTOM_FLAGS%", "l": ["%REQ(NONE)%"], "o": {}, "el": [], "lo": [{"a": "%REQ(NONE)%"}], "d": {"e": {"f": "%REQ(NONE)%"}}, "no": False,
}
LOGGED = http(((b"a", b"1234"), (b"empty", b"")), status=200, bytes_sent=3)


def written(form, logged, omit_empty=False):
    """Give a line."""
    return compile_json(json.dumps(form), Surroundings(), omit_empty=omit_empty)(logged)


def test_nested_formats():
    """Objects in order of their keys, lists, and what is no text as it is; one operator keeps its type."""
    assert (
        '{"100%s":"k","a":{"b":["1234",null,{"q":null},"lit"],"n":{"m":null},"x":200},"e":"","emptyl":[],"emptyo":{},"f":1.5,"fl":"-","hdr":"",'
        '"mix":"-x200","nul":null,"num":5,"pct":"100%","t":true,"two":"2003","z":"HTTP/1.1"}\n') == written(NESTED, LOGGED)
    assert '"two":"010","z":null}' in written(NESTED, tcp())


def test_the_absent_left_out():
    """With the objects that nothing stays in; lists stay."""
    assert (
        '{"a":{"b":["1234","lit"],"x":200},"cf":"","e":"","el":[],"fl":"-","hdr":"","l":[],"lo":[],"mix":"x200","mixnone":"","no":false,'
        '"z":"HTTP/1.1"}\n') == written(OMITTED, LOGGED, omit_empty=True)
    assert "{}\n" == written({"a": "%REQ(NONE)%"}, tcp(), omit_empty=True)


@pytest.mark.parametrize(("value", "expected"), [
    (b"\xc3\xa9x", "\u00e9x"), (b"a\xff\xe9b", "a\u00ff\u00e9b"), (b"a\tb", "a\tb"), (b'a"b\\c/', 'a"b\\c/'), (b"\x00\x1b[2J\x7f", "\x00\x1b[2J\x7f"),
    (b'x","status":"1', 'x","status":"1'), (b"\xe2\x80\xa8", "\u2028"), (b"\xed\xa0\x80", "\u00ed\u00a0\u0080"),
])
def test_strangers_stay_in_their_string(value, expected):
    """UTF-8 is text, other bytes are as in Latin-1, and a line is one line of ASCII."""
    for omit_empty in (False, True):
        line = written({"v": "%REQ(V)%", "m": "<%REQ(V)%>"}, http(((b"v", value),)), omit_empty)
        assert {"v": expected, "m": f"<{expected}>"} == json.loads(line)
        assert line.isascii() and line[:-1].isprintable()


def test_formats_that_json_cannot_hold():
    """Lone surrogates become a question mark, numbers that JSON has not become null, depth ends."""
    assert '{"a?":"?b","n":null}\n' == compile_json('{"a\\ud800": "\\ud800b", "n": NaN}', Surroundings(), omit_empty=False)(tcp())
    deep: object = "%PROTOCOL%"
    for _ in range(MAX_DEPTH * 2):
        deep = [deep]
    for omit_empty in (False, True):
        json.loads(written({"deep": deep}, tcp(), omit_empty))
    assert [f"expected at most {MAX_DEPTH} objects and lists within each other; what is deeper is logged as null"] == find_json_problems(
        json.dumps({"deep": deep}))


def test_problems_of_every_format_within():
    """Each is told, in order."""
    found = find_json_problems('{"a": ["%X%", 1], "b": {"c": "%Y%"}}')
    assert ["%X% is not known; it is logged as -", "%Y% is not known; it is logged as -"] == found

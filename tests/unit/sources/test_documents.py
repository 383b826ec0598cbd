"""Files to documents: what is read, what is refused and why, and that nothing hostile raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.sources.documents import MAX_FILE_BYTES, Chunk, Document, read_chunk, split
from tests.helpers.resources import complaint

GOOD = b"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\n"


def read_documents(content: bytes, file: str) -> tuple[list[Document], list[Problem]]:
    """Return the documents of a file that can be used, and what is wrong with the others."""
    found = [document for chunk in split(content, file) for document in read_chunk(chunk, file)]
    return [document for document in found if not document.problems], [problem for document in found for problem in document.problems]


def bodies(content: bytes, file: str = "a.yaml") -> list[object]:
    """Return the bodies of the documents that can be used."""
    documents, _ = read_documents(content, file)
    return [document.body for document in documents]


def complaints(content: bytes, file: str = "a.yaml") -> list[str]:
    """Return what is wrong, a line each."""
    _, problems = read_documents(content, file)
    return [complaint(problem) for problem in problems]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n# only a comment\n", []),
        (b"---\n---\n# nothing\n---\n...\n", []),
        (b"~\n", []),
        (b"a: 1\n", [{"a": 1}]),
        (b"a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        (b"--- {a: 1}\n--- # note\nb: 2\n", [{"a": 1}, {"b": 2}]),
        (b"a: 1\n...\nb: 2\n", [{"a": 1}, {"b": 2}]),
        (b"%YAML 1.2\n# note\n---\na: 1\n", [{"a": 1}]),
        (b"a: 1\n...\n%YAML 1.1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        (b"a: 1\r\nb: |\r\n  x\r\n  y\r\n---\r\nc: 3\r\n", [{"a": 1, "b": "x\ny\n"}, {"c": 3}]),
        (b"a: 1\rb: 2\r", [{"a": 1, "b": 2}]),
        (b"\xef\xbb\xbfa: 1\n", [{"a": 1}]),
        (b"a: |\n  ---\n  text\n", [{"a": "---\ntext\n"}]),
        (b"---a: 1\n", [{"---a": 1}]),
        ("a: Grüße 🎉\n".encode(), [{"a": "Grüße 🎉"}]),
        (b'{"a": 1,\t"b": [true, null]}\n', [{"a": 1, "b": [True, None]}]),
    ],
)
def test_reads_documents(content, expected):
    """Whatever line ends, markers and marks there are, each document that holds something is read."""
    assert (expected, []) == (bodies(content), complaints(content))


BAD = [
    (b"a: [1,\n", "error 2: expected YAML, got a fault at column 1: did not find expected node content"),
    (b"a: 'x\n", "error 2: expected YAML, got a fault at column 1: found unexpected end of stream; check for a missing quote or bracket"),
    (
        b"a: b: c\n",
        "error 1: expected YAML, got a fault at column 5: mapping values are not allowed in this context; "
        "quote values that contain ': ' and check the indentation",
    ),
    (
        b"a:\n\tb: 1\n",
        "error 2: expected YAML, got a fault at column 1: found character that cannot start any token; "
        "indent with spaces, not tabs, and quote values that begin with a special character",
    ),
    (b"a: *b\n", "error 1: expected YAML, got a fault at column 4: found undefined alias; quote values that begin with *"),
    (b"a: 1\n b: 2\n", "error 2: expected YAML, got a fault at column 3: mapping values are not allowed in this context; "
     "quote values that contain ': ' and check the indentation"),
    (b"a: \0\n", "error 1: expected printable text, got the character U+0000; remove it"),
    (b"a: 1\nb: \x1b[31m\n", "error 2: expected printable text, got the character U+001B; remove it"),
    (b"a: \xef\xbb\xbfb\n", "error 1: expected printable text, got the character U+FEFF; remove it"),
    (b"a: 1\nb: \xff\n", "error 2: expected UTF-8, got the byte 0xff; save the file as UTF-8"),
    (b"a: \xed\xa0\x80\n", "error 1: expected UTF-8, got the byte 0xed; save the file as UTF-8"),
    ("a: 1\n".encode("utf-16"), "error 0: expected UTF-8, got a UTF-16 or UTF-32 byte order mark; save the file as UTF-8"),
    (b"- a\n", "error 0: expected a mapping with apiVersion, kind and metadata, got a list; look at the examples"),
    (b"hello\n", "error 0: expected a mapping with apiVersion, kind and metadata, got a single value; look at the examples"),
    (b"a: 1\nb: 2\na: 3\n", "error 3 a: expected each key once, got a twice; the first is on line 1"),
    (b"on: 1\n", "error 1 on: expected a key to be text, got a boolean (on); quote it"),
    (b"a:\n  no: 1\n", "error 2 a.no: expected a key to be text, got a boolean (no); quote it"),
    (b"? [a]\n: 1\n", "error 1: expected a key to be text, got a list or mapping; check the brackets"),
    (b"a: !!python/object:os.system x\n", "error 1 a: expected no tag, got tag:yaml.org,2002:python/object:os.system; remove the tag"),
    (b"a: !mine {b: 1}\n", "error 1 a: expected no tag, got !mine; remove the tag"),
    (b"a: !!binary aGk=\n", "error 1 a: expected no tag, got tag:yaml.org,2002:binary; remove the tag"),
    (b"a: 1" + b"0" * 30 + b"\n", "error 1 a: expected a whole number of at most 64 bits, got 1" + "0" * 30 + "; quote it if it is text"),
    (b"a: .nan\n", "error 1 a: expected a finite float, got .nan; quote it if it is text"),
    (b'a: "x\\0"\n', "error 1 a: expected text, got a NUL character within it; remove it"),
    (b"[" * 200 + b"\n", "error 0: expected at most 100 levels of nesting, got more"),
    (b"[" * 300_000, "error 0: expected at most 100 levels of nesting, got more"),
    (b"a: &a [*a]\n", "error 1 a: expected at most 100 levels, got an alias that goes deeper; write the values out"),
    (b"%TAG ! tag:x,2026:\n%FOO\na: 1\n", None),
]


@pytest.mark.parametrize(("content", "expected"), [row for row in BAD if row[1]])
def test_refuses_what_is_no_plain_yaml(content, expected):
    """Every fault is told with its line, and what to do."""
    assert ([], [expected]) == (bodies(content), complaints(content))


@pytest.mark.parametrize(("content", "_"), BAD)
def test_a_bad_document_hurts_only_itself(content, _):
    """Documents before and after a bad one are read, and their lines are right."""
    if content.startswith((b"\xff\xfe", b"%", b"a: 'x")):
        return
    file = GOOD + b"---\n" + content + b"\n---\n" + GOOD
    documents, problems = read_documents(file, "a.yaml")
    lines = [1, 6 + content.count(b"\n") + 1]
    assert [Origin("a.yaml", line, "Service", "shop", "web") for line in lines] == [document.origin for document in documents]
    assert 0 < len(problems)
    assert {True} == {4 <= (problem.line or problem.origin.line) < lines[1] for problem in problems}


def test_an_open_quote_ends_with_its_document():
    """A marker at the start of a line is never content, so that a missing quote cannot swallow the next document."""
    documents, problems = read_documents(b"a: 'x\n---\nb: 2\n", "a.yaml")
    assert [{"b": 2}] == [document.body for document in documents]
    assert 1 == len(problems)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": 1} {"a": 2}\n', [{"a": 1}, {"a": 2}]),
        (b'{"a":"\\ud83d\\ude00"}', [{"a": "\U0001f600"}]),
        (b'{"a": 1e3, "b": -0.5}', [{"a": 1000.0, "b": -0.5}]),
        (b"", []),
        (b"  \r\n", []),
    ],
)
def test_reads_json(content, expected):
    """A `.json` file is JSON by the letter."""
    assert (expected, []) == (bodies(content, "a.json"), complaints(content, "a.json"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: 1\n", "error 1: expected JSON, got a fault at column 1: Expecting value; check commas, quotes and brackets"),
        (
            b'{\n"a": 1,\n}',
            "error 3: expected JSON, got a fault at column 1: Expecting property name enclosed in double quotes; "
            "check commas, quotes and brackets",
        ),
        (b'{"a": 1,\n "a": 2}', "error 1 a: expected each key once, got a twice; remove one of them"),
        (b'{"a": NaN}', "error 1: expected a finite number, got NaN; check commas, quotes and brackets"),
        (b'{"a": "\\u0000"}', "error 1 a: expected text, got a NUL or half a surrogate pair within it; remove the escape"),
        (b'{"a": "\\ud800"}', "error 1 a: expected text, got a NUL or half a surrogate pair within it; remove the escape"),
        (b"[" * 100_000, "error 1: expected at most 100 levels of nesting, got more; check commas, quotes and brackets"),
        (b"[1]", "error 0: expected a mapping with apiVersion, kind and metadata, got a list; look at the examples"),
    ],
)
def test_refuses_what_is_no_json(content, expected):
    """Faults in JSON are told like those in YAML."""
    assert ([], [expected]) == (bodies(content, "a.json"), complaints(content, "a.json"))


def test_a_bomb_of_aliases_is_refused():
    """Nine levels of nine would be 387 million values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]" for level in range(1, 9)]
    expected = "expected aliases that expand to at most 10000 values, got more; write the values out"
    found = complaints("\n".join(lines).encode())
    assert (1, True) == (len(found), found[0].endswith(expected))


def test_files_that_are_too_long_are_refused():
    """The limit holds for a file as a whole."""
    expected = ["error 0: expected a file of at most 16 MiB, got more; split the file"]
    assert expected == complaints(b"#" * (MAX_FILE_BYTES + 1))


def test_too_many_documents_are_refused():
    """A file of nothing but markers costs little, one of endless tiny documents is refused."""
    assert ([], []) == (bodies(b"---\n" * 200_000), complaints(b"---\n" * 200_000))
    expected = ["error 0: expected at most 100000 documents in a file, got more; split the file"]
    assert expected == complaints(b"---\na\n" * 100_002)


def test_opens_lists():
    """The items of a List are documents; those of a typed list get its kind."""
    content = b"apiVersion: v1\nkind: List\nitems:\n- kind: A\n  x: 1\n-\n  kind: List\n  items:\n  - kind: B\n- 7\n"
    documents, problems = read_documents(content, "a.yaml")
    assert [("A", 4), ("B", 9)] == [(document.origin.kind, document.origin.line) for document in documents]
    assert [4, 5] == [documents[0].lines(()), documents[0].lines(("x",))]
    assert ["error 0: expected a mapping with apiVersion, kind and metadata, got a single value; look at the examples"] == [
        complaint(problem) for problem in problems
    ]
    assert [{"apiVersion": "v1", "kind": "Service", "x": 1}] == bodies(b"apiVersion: v1\nkind: ServiceList\nitems: [{x: 1}]\n")
    assert [] == bodies(b"kind: List\nitems:\n")


@pytest.mark.parametrize("file", ["a.yaml", "a.json"])
def test_looks_up_lines(file):
    """Fields have the line of their key, items their own, absent fields that of what they would be in."""
    content = b'{\n"spec": {\n"ports": [\n{"port": 80},\n{"port":\n81}]}}'
    [document], _ = read_documents(content, file)
    paths = [(), ("spec",), ("spec", "ports"), ("spec", "ports", 1, "port"), ("spec", "ports", 1, "nope"), ("spec", "ports", 7), ("nope", "x")]
    assert [1, 2, 3, 5, 5, 3, 1] == [document.lines(path) for path in paths]


def test_an_origin_shows_only_names_that_fit_a_line():
    """Names are quoted in logs: those with line ends or endless ones are left out."""
    [document], _ = read_documents(b'kind: "A\\nB"\nmetadata: {name: %s, namespace: x}\n' % (b"n" * 300), "a.yaml")
    assert Origin("a.yaml", 1, "", "x", "") == document.origin


def test_splits_at_markers():
    """Chunks know their first line; empty ones are left out."""
    expected = [Chunk(1, b"a: 1\n"), Chunk(2, b"--- # x\nb: 2\n"), Chunk(6, b"---\nc: 3")]
    assert expected == split(b"a: 1\n--- # x\nb: 2\n---\n---\n---\nc: 3".replace(b"---\n---\n---\nc", b"---\n\n---\nc"), "a.yaml")


@given(st.binary(max_size=300))
def test_no_bytes_raise(content):
    """Whatever stands in a file, it is read or refused."""
    for file in ("a.yaml", "a.json"):
        documents, problems = read_documents(content, file)
        assert {True} >= {isinstance(document.body, dict) for document in documents} | {bool(str(problem)) for problem in problems}


TOKENS = [
    *("a", ":", " ", "\n", "  ", "- ", "---\n", "...\n", "&x ", "*x", "!!int ", "!t ", "[", "]", "{", "}", ",", "'", '"', "\\", "|\n", ">"),
    *("#", "%", "<<", "?", "1", "0x", "e5", "~", "on", "\t", "\r\n", "\x85", "\u2028", "kind: List\nitems:\n", "\ufeff"),
]


@given(st.lists(st.sampled_from(TOKENS), max_size=60).map("".join))
def test_no_yaml_raises(text):
    """Texts that are nearly YAML are read or refused; lines of Problems lie within the text."""
    content = text.encode()
    last = 2 + sum(text.count(end) for end in ("\n", "\r", "\x85", "\u2028"))
    for chunk in split(content, "a.yaml"):
        for document in read_chunk(chunk, "a.yaml"):
            assert {True} >= {0 <= problem.line <= last for problem in document.problems}

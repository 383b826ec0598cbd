"""Scalars, keys, merges and aliases as Kubernetes resolves them."""

import pytest
import yaml

from meshd.model.yaml_values import MAX_ALIASED, Builder, TooDeep, compose, find_line, find_path


def build(text: str) -> tuple[object, list[str]]:
    """Return a document's value and what was reported."""
    reported: list[str] = []
    [node] = compose(text)
    value = Builder(lambda at, message, hint: reported.append(message)).build(node)
    return value, reported


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", 80), ("+80", 80), ("-1", -1), ("0", 0), ("1_000", 1000), ("0x1F", 31), ("0b11", 3), ("0o17", 15), ("017", 15),
        ("08", 8.0), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("18446744073709551615", 2**64 - 1), ("-9223372036854775808", -(2**63)),
        ("true", True), ("True", True), ("yes", True), ("on", True), ("y", True), ("N", False), ("off", False), ("FALSE", False),
        ("~", None), ("null", None), ("''", ""), ("'80'", "80"), ('"on"', "on"), ("tRue", "tRue"),
        ("12:30:45", "12:30:45"), ("2026-01-02", "2026-01-02"), ("1.2.3.4", "1.2.3.4"), ("0x_", "0x_"), ("1-2", "1-2"), ("=", "="),
        ("10.0.0.0/8", "10.0.0.0/8"), ("!!str 80", "80"), ("!!int '80'", 80), ("!!null ''", None), ("!!bool yes", True),
        ("|-\n  a\n  b", "a\nb"), ("1__0", 10), ("٣", "٣"),
    ],
)  # fmt: skip
def test_resolves_scalars(text, expected):
    """As go-yaml 2 does, which reads Kubernetes' and Istio's files."""
    value, reported = build(f"a: {text}\n")
    assert ({"a": expected}, []) == (value, reported)
    assert isinstance(value, dict)
    assert type(expected) is type(value["a"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("9" * 5000, "expected a whole number of at most 64 bits, got " + "9" * 80),
        ("18446744073709551616", "expected a whole number of at most 64 bits, got 18446744073709551616"),
        ("1e999", "expected a finite float, got 1e999"),
        ("-.inf", "expected a finite float, got -.inf"),
        ("!!int abc", "expected a whole number of at most 64 bits, got abc"),
        ("!!bool maybe", "expected a finite bool, got maybe"),
        ("!!timestamp 2026-01-01", "expected no tag, got tag:yaml.org,2002:timestamp"),
        ("!!set {a}", "expected no tag, got tag:yaml.org,2002:set"),
        ("!!map x", "expected no tag, got map"),
    ],
)
def test_refuses_scalars(text, expected):
    """Numbers that would not survive, and tags."""
    assert [expected] == build(f"a: {text}\n")[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80: x", {"80": "x"}),
        ("'on': x", {"on": "x"}),
        ("a: &m {x: 1, z: 2}\nb: {<<: *m, z: 3}", {"a": {"x": 1, "z": 2}, "b": {"z": 3, "x": 1}}),
        ("a: &m {x: 1}\nb: &n {x: 2, z: 3}\nc: {<<: [*m, *n]}", {"a": {"x": 1}, "b": {"x": 2, "z": 3}, "c": {"x": 1, "z": 3}}),
        ("a: &m [1]\nb: *m", {"a": [1], "b": [1]}),
        ("a: '<<'\n'<<': b", {"a": "<<", "<<": "b"}),
        ("a: <<", {"a": "<<"}),
    ],
)
def test_builds_mappings(text, expected):
    """Number keys become text as in JSON; merges bring what is not there."""
    assert (expected, []) == build(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0x10: 1", "expected a key to be text, got a number (0x10)"),
        ("1.5: 1", "expected a key to be text, got a number (1.5)"),
        ("~: 1", "expected a key to be text, got nothing (~)"),
        ("? \n: 1", "expected a key to be text, got nothing"),
        ("y: 1", "expected a key to be text, got a boolean (y)"),
        ("{a: 1}: 1", "expected a key to be text, got a list or mapping"),
        ("a: {<<: 7}", "expected << to name a mapping or a list of mappings"),
        ("a: {<<: [7]}", "expected << to name a mapping or a list of mappings"),
        ("a: {b: 1, b: 2}", "expected each key once, got b twice"),
        ("'a': 1\na: 2", "expected each key once, got a twice"),
    ],
)
def test_refuses_keys(text, expected):
    """Keys that mean something else than they look like."""
    assert [expected] == build(text)[1]


def test_what_aliases_expand_to_is_counted_once_over():
    """Each use costs what it expands to, up to the limit; the fault is told once."""
    just = "a: &a [" + "x," * 999 + "]\nb: [" + "*a," * 10 + "]"
    assert [] == build(just)[1]
    over = "a: &a [" + "x," * 999 + "]\nb: [" + "*a," * 11 + "]"
    assert [f"expected aliases that expand to at most {MAX_ALIASED} values, got more"] == build(over)[1]


def test_an_alias_of_itself_ends():
    """A mapping that merges itself, or holds itself, is refused."""
    assert 1 == len(build("a: &a\n  b: *a\n")[1])
    assert 1 <= len(build("a: &a\n  <<: *a\n")[1])


def test_depth_is_bounded_before_the_stack_ends():
    """The C parser's recursion has no limit of its own."""
    with pytest.raises(TooDeep):
        compose("{a: " * 100_000)
    with pytest.raises(yaml.YAMLError):
        compose("- " * 100_000)
    assert 1 == len(compose("[" * 90 + "]" * 90))


def test_finds_lines_and_paths():
    """Lines of keys and items; the path of a key is that of its value."""
    [root] = compose("a:\n  b:\n  - x\n  - c: 1\n")
    deepest = root.value[0][1].value[0][1].value[1].value[0]
    assert [0, 1, 3, 3, 1] == [find_line(root, path) for path in [("a",), ("a", "b"), ("a", "b", 1), ("a", "b", 1, "c"), ("a", "b", 9)]]
    assert ("a", "b", 1, "c") == find_path(root, deepest[0]) == find_path(root, deepest[1])
    assert () == find_path(root, compose("z")[0])

"""YAML text to plain values with positions, resolved as Kubernetes resolves it, and safe against hostile input."""

import re
from collections.abc import Callable
from typing import cast

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from meshd.model.paths import Path, shown_key

MAX_DEPTH = 100  # Kubernetes' and Istio's deepest schemas stay below 40; the C parser's stack ends near 30,000
MAX_ALIASED = 10_000  # values that aliases of one document may expand to; hand-written files stay below 100
MAX_NUMBER_DIGITS = 40  # more digits than any 64-bit number or sensible fraction has

_PREFIX = "tag:yaml.org,2002:"
_CORE = {_PREFIX + name: name for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_COLLECTION_TAGS = ("map", "seq")

_WORDS = {
    **dict.fromkeys(("true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"), "bool"),
    **dict.fromkeys(("false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"), "bool"),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN"), "float"),
    "<<": "merge",
}
_TRUE = frozenset(("true", "yes", "on", "y"))
_NUMERIC_START = frozenset("0123456789+-.")
# reason: this text is the operator's own file, bounded by the reader, and the patterns are linear
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|(?:0|[1-9][0-9_]*))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")

Report = Callable[[Node, str, str], None]
"""Takes a node, what is wrong with it, and a hint."""


class TooDeep(yaml.YAMLError):
    """Raised out of the C parser before its stack ends."""


class _Loader(CParser):
    """libyaml's parser with our own resolution of plain scalars and a limit on depth."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        self._depth = 0

    def descend_resolver(self, parent: Node | None, index: object) -> None:
        """Count depth; the C composer recurses without a limit of its own."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise TooDeep

    def ascend_resolver(self) -> None:
        """Leave a level."""
        self._depth -= 1

    def resolve(self, kind: type[Node], value: str | None, implicit: tuple[bool, bool]) -> str:
        """Give the type of a node without a tag."""
        if kind is not ScalarNode:
            return "map" if kind is MappingNode else "seq"
        return "str" if value is None or not implicit[0] else plain_type(value)


def plain_type(text: str) -> str:
    """
    Give the type of a text that stands in YAML without quotes and tag: `str`, `int`, `float`, `bool`, `null` or `merge`.

    Source:
        go-yaml 2, which sigs.k8s.io/yaml (kubectl, Istio) uses: `y` and `n` are booleans, `12:30` and dates are text.
    """
    if text[:1] in _NUMERIC_START:
        if _INT.match(text):
            return "int"
        if _FLOAT.match(text):
            return "float"
    return _WORDS.get(text, "str")


def compose(text: str) -> list[Node]:
    """
    Parse a text into the root nodes of its documents; lines and columns count from 0.

    Raises:
        yaml.YAMLError: If the text is no YAML, or is nested too deep; nothing else.
    """
    loader = _Loader(text)
    found: list[Node] = []
    while loader.check_node():
        node = loader.get_node()
        assert node is not None  # reason: check_node said so
        found.append(node)
    return found


class Builder:
    """Builds the plain value of one document's nodes; once it has reported something, the value only serves to tell whose it is."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._seen: set[int] = set()
        self._aliased = 0
        self._reported: set[tuple[int, str]] = set()

    def build(self, node: Node, depth: int = 0, aliased: bool = False) -> object:
        """Return dicts, lists and scalars; None for what was reported."""
        if aliased:
            self._aliased += 1
            if self._aliased > MAX_ALIASED + 1:
                return None  # reported already
            if self._aliased > MAX_ALIASED:
                return self._bad(node, f"expected aliases that expand to at most {MAX_ALIASED} values, got more", "write the values out")
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if depth > MAX_DEPTH:
            return self._bad(node, f"expected at most {MAX_DEPTH} levels, got an alias that goes deeper", "write the values out")
        aliased = aliased or id(node) in self._seen
        self._seen.add(id(node))
        if _CORE.get(node.tag, node.tag) not in _COLLECTION_TAGS:
            return self._bad(node, f"expected no tag, got {shown_key(node.tag)}", "remove the tag")
        if isinstance(node, SequenceNode):
            return [self.build(item, depth + 1, aliased) for item in node.value]
        return self._mapping(cast(MappingNode, node), depth, aliased)

    def _mapping(self, node: MappingNode, depth: int, aliased: bool) -> dict[str, object]:
        values: dict[str, object] = {}
        merged: list[Node] = []
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if self._aliased > MAX_ALIASED:
                break
            if key_node.tag == "merge":
                merged.append(value_node)
                continue
            key = key_node.value if key_node.tag == "str" else self._odd_key(key_node)
            if key is None:
                continue
            if key in values:
                self._bad(key_node, f"expected each key once, got {shown_key(key)} twice", f"the first is on line {lines[key]}")
                continue
            lines[key] = key_node.start_mark.line + 1
            values[key] = self.build(value_node, depth + 1, aliased)
        for source in merged:
            self._merge(values, source, depth)
        return values

    def _merge(self, values: dict[str, object], source: Node, depth: int) -> None:
        """Add what `<<` brings; keys that stand in the mapping itself win, earlier sources over later ones."""
        for part in source.value if isinstance(source, SequenceNode) else [source]:
            built = self.build(part, depth + 1, aliased=True) if isinstance(part, MappingNode) else None
            if not isinstance(built, dict):
                self._bad(part, "expected << to name a mapping or a list of mappings", "quote << if it is a key")
                return
            values.update((key, value) for key, value in built.items() if key not in values)

    def _odd_key(self, node: Node) -> str | None:
        """Give a key that is no plain text where it can only mean one thing, such as `80:`; None where it was reported."""
        if isinstance(node, ScalarNode):
            tag = _CORE.get(node.tag, node.tag)
            if tag == "str" or (tag == "int" and node.value.isdigit() and (node.value == "0" or node.value[0] != "0")):
                return str(node.value)
            kind = {"bool": "a boolean", "null": "nothing"}.get(tag, "a number" if tag in ("int", "float") else f"the tag {shown_key(tag)}")
            found = f"{kind} ({shown_key(node.value)})" if node.value else kind
            self._bad(node, f"expected a key to be text, got {found}", "quote it")
        else:
            self._bad(node, "expected a key to be text, got a list or mapping", "check the brackets")
        return None

    def _scalar(self, node: ScalarNode) -> object:
        text: str = node.value
        tag = _CORE.get(node.tag, node.tag)
        if tag == "str":
            if "\0" in text:
                return self._bad(node, "expected text, got a NUL character within it", "remove it")
            return text
        if tag == "int":
            return self._int(node, text)
        if tag == "bool" and _WORDS.get(text) == "bool":
            return text.lower() in _TRUE
        if tag == "null" and _WORDS.get(text) == "null":
            return None
        if tag == "float" and _FLOAT.match(text) and len(text) <= MAX_NUMBER_DIGITS:
            number = float(text)
            if abs(number) < float("inf"):
                return number
        if tag == "merge":
            return text
        if tag in ("float", "bool", "null"):
            return self._bad(node, f"expected a finite {tag}, got {shown_key(text)}", "quote it if it is text")
        return self._bad(node, f"expected no tag, got {shown_key(tag)}", "remove the tag")

    def _int(self, node: ScalarNode, text: str) -> object:
        if _INT.match(text) and len(text) <= MAX_NUMBER_DIGITS:
            digits = text.replace("_", "")
            bare = digits.lstrip("+-")
            octal = len(bare) > 1 and bare[0] == "0" and bare[1].isdigit()
            try:
                number = int(digits, 8 if octal else 0)
            except ValueError:  # such as `0x_`
                return text
            if -(2**63) <= number < 2**64:
                return number
        return self._bad(node, f"expected a whole number of at most 64 bits, got {shown_key(text)}", "quote it if it is text")

    def _bad(self, node: Node, message: str, hint: str) -> object:
        """Report once for a line; None stands for the value."""
        place = (node.start_mark.line, message)
        if place not in self._reported:
            self._reported.add(place)
            self._report(node, message, hint)
        return None


def find_line(root: Node, path: Path) -> int:
    """Return the line, from 0, of the key or item at a path, or of the nearest one above it that exists."""
    node, line = root, root.start_mark.line
    for part in path:
        if isinstance(part, int) and isinstance(node, SequenceNode) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
            continue
        found = next((pair for pair in node.value if pair[0].value == part), None) if isinstance(node, MappingNode) else None
        if found is None:
            break
        line, node = found[0].start_mark.line, found[1]
    return line


def find_path(root: Node, wanted: Node) -> Path:
    """Return the path of a node, a key counting as its value; the first one where an alias gives it several."""
    seen: set[int] = set()
    open_nodes: list[tuple[Node, Path]] = [(root, ())]
    while open_nodes:
        node, path = open_nodes.pop()
        if node is wanted:
            return path
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            open_nodes.extend((item, (*path, index)) for index, item in enumerate(node.value))
        elif isinstance(node, MappingNode):
            for key, value in node.value:
                here = (*path, str(key.value)) if isinstance(key, ScalarNode) else path
                if key is wanted:
                    return here
                open_nodes.append((value, here))
    return ()

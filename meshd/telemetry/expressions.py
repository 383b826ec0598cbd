"""
Conditions on a log line as Istio's Telemetry `filter.expression` has them: the useful part of CEL, read strictly and made one function.

Comparisons, `&&`, `||`, `!`, `in [..]`, `has(..)`, `startsWith`, `endsWith`, `contains`, `matches`, `size`, `duration`, and the attributes of
`attributes`. What has no value makes a condition on it neither true nor false, as in CEL: it counts only where the other side does not decide.
"""

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final, NamedTuple

import re2

from meshd.base.errors import MeshError
from meshd.base.units import parse_duration
from meshd.telemetry.attributes import ATTRIBUTES, HEADER_READERS, Read
from meshd.telemetry.logged import Logged

Holds = Callable[[Logged], bool]

MAX_LENGTH: Final = 4096
MAX_DEPTH: Final = 32
COMPARE: Final[dict[str, Callable[[Any, Any], bool]]] = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}
ORDERED: Final = frozenset(("number", "text", "duration"))
ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}

_TOKEN: Final = re.compile(  # reason: an operator's own text, bounded, and the pattern is linear
    r"(?P<space>\s+)"
    r"|(?P<text>[rR]?'(?:[^'\\\n]|\\.)*'|[rR]?\"(?:[^\"\\\n]|\\.)*\")"
    r"|(?P<number>0[xX][0-9a-fA-F]{1,15}[uU]?|[0-9]{1,18}(?:\.[0-9]{1,18})?[uU]?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>==|!=|<=|>=|&&|\|\||[<>!()\[\],.-])"
)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")


class ExpressionError(MeshError):
    """An expression that is not understood; its text says where and why."""


class Token(NamedTuple):
    """One word of an expression; `kind` is a group of the pattern, or `end`."""

    kind: str
    text: str
    place: int


class Node(NamedTuple):
    """A part of an expression: what it gives, how, and from which attribute, if it is no more than that."""

    type: str
    read: Read
    attribute: str = ""
    constant: Any = None


def compile_expression(text: str) -> Holds:
    """
    Make an expression a function.

    Raises:
        ExpressionError: If it is not understood whole.
    """
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"expected at most {MAX_LENGTH} characters, got {len(text)}")
    parser = _Parser(_tokens(text))
    node = parser.either(0)
    parser.expect("", "the end")
    if node.type != "truth value":
        raise ExpressionError(f"expected a condition, got a {node.type}")
    read = node.read
    return lambda logged: read(logged) is True


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise ExpressionError(f"character {place + 1}: expected a word of an expression, got {text[place:place + 20]!r}")
        if found.lastgroup != "space":
            tokens.append(Token(found.lastgroup, found.group(), place))
        place = found.end()
    return [*tokens, Token("end", "", len(text))]


class _Parser:
    """Reads by descending: each method takes what it names and gives it as a function."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._next = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> str:
        """Take the next sign or word if it is one of these; give it, or nothing."""
        token = self._token
        if token.kind in ("sign", "name") and token.text in texts:
            self._next += 1
            return token.text
        return ""

    def expect(self, text: str, what: str = "") -> None:
        """Take a sign, or the end."""
        token = self._token
        if token.text != text or token.kind == "text":
            raise self._error(what or text)
        self._next += 1

    def _error(self, expected: str) -> ExpressionError:
        token = self._token
        return ExpressionError(f"character {token.place + 1}: expected {expected}, got {token.text or 'the end'!r}")

    def _word(self) -> str:
        token = self._token
        if token.kind != "name":
            raise self._error("a name")
        self._next += 1
        return token.text

    # conditions

    def either(self, depth: int) -> Node:
        """Take conditions joined by `||`."""
        if depth > MAX_DEPTH:
            raise self._error(f"at most {MAX_DEPTH} parentheses within each other")
        nodes = [self._all(depth)]
        while self._take("||"):
            nodes.append(self._all(depth))
        return nodes[0] if len(nodes) == 1 else self._joined(nodes, decides=True)

    def _all(self, depth: int) -> Node:
        nodes = [self._comparison(depth)]
        while self._take("&&"):
            nodes.append(self._comparison(depth))
        return nodes[0] if len(nodes) == 1 else self._joined(nodes, decides=False)

    def _joined(self, nodes: list[Node], *, decides: bool) -> Node:
        """Join conditions of which one that gives `decides` decides."""
        for node in nodes:
            if node.type != "truth value":
                raise ExpressionError(f"expected conditions on both sides of {'||' if decides else '&&'}, got a {node.type}")
        reads = [node.read for node in nodes]

        def read(logged: Logged) -> bool | None:
            result: bool | None = not decides
            for item in reads:
                value: bool | None = item(logged)
                if value is decides:
                    return decides
                if value is None:
                    result = None
            return result
        return Node("truth value", read)

    def _comparison(self, depth: int) -> Node:
        left = self._unary(depth)
        sign = self._take(*COMPARE)
        if sign:
            return _compared(left, sign, self._unary(depth))
        return self._contained(left, depth) if self._take("in") else left

    def _contained(self, left: Node, depth: int) -> Node:
        """Take what stands behind `in`: a list of constants, or headers."""
        if not self._take("["):
            headers = self._unary(depth)
            if headers.type != "headers" or left.type != "text":
                raise ExpressionError("expected a list in brackets, or a text in headers, behind in")
            get = HEADER_READERS[headers.attribute]
            name = left.read

            def has(logged: Logged) -> bool | None:
                wanted = name(logged)
                return None if wanted is None else get(logged, wanted.lower()) is not None
            return Node("truth value", has)
        values: list[Any] = []
        while not self._take("]"):
            item = self._unary(depth)
            if item.constant is None or item.type != left.type:
                raise ExpressionError(f"expected constants in a list, each a {left.type}, got a {item.type}")
            values.append(item.constant)
            if not self._take(","):
                self.expect("]")
                break
        read = left.read

        def contained(logged: Logged) -> bool | None:
            value = read(logged)
            return None if value is None else value in values
        return Node("truth value", contained)

    def _unary(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise self._error(f"at most {MAX_DEPTH} signs within each other")
        if self._take("!"):
            node = self._unary(depth + 1)
            if node.type != "truth value":
                raise ExpressionError(f"expected a condition behind !, got a {node.type}")
            read = node.read

            def negated(logged: Logged) -> bool | None:
                value = read(logged)
                return None if value is None else not value
            return Node("truth value", negated)
        if self._take("-"):
            node = self._unary(depth + 1)
            if node.type != "number" or node.constant is None:
                raise ExpressionError("expected a number behind -")
            return _constant("number", -node.constant)
        return self._called(self._primary(depth), depth)

    # values

    def _primary(self, depth: int) -> Node:
        if self._take("("):
            node = self.either(depth + 1)
            self.expect(")")
            return node
        token = self._token
        if token.kind == "text":
            self._next += 1
            return _constant("text", _unquote(token).encode(errors="replace"))
        if token.kind == "number":
            self._next += 1
            digits = token.text.rstrip("uU")
            return _constant("number", float(digits) if "." in digits else int(digits, 0 if digits[:2] in ("0x", "0X") else 10))
        word = self._word()
        if word in ("true", "false"):
            return _constant("truth value", word == "true")
        if self._take("("):
            return self._function(word, depth)
        return self._attribute(word)

    def _function(self, name: str, depth: int) -> Node:
        node = self.either(depth + 1)
        self.expect(")")
        if name == "has" and node.attribute:
            read = node.read
            return Node("truth value", lambda logged: read(logged) is not None)
        if name == "size":
            return _method(node, "size", None)
        if name == "duration" and isinstance(node.constant, bytes):
            try:
                return _constant("duration", parse_duration(node.constant.decode()))
            except ValueError as error:
                raise ExpressionError(f"duration: {error}") from None
        raise ExpressionError(f"expected has(an attribute), size(a text) or duration('1s'), got {name}()")

    def _attribute(self, name: str) -> Node:
        """Take an attribute, which may be a header."""
        while name not in ATTRIBUTES and self._take("."):
            name = f"{name}.{self._word()}"
        found = ATTRIBUTES.get(name)
        if found is None:
            raise ExpressionError(f"expected an attribute that meshd knows, got {name}")
        if found[0] != "headers":
            return Node(*found, name)
        if self._take("."):
            return _header(name, self._word().encode())
        if not self._take("["):
            return Node(*found, name)
        key = self._primary(MAX_DEPTH)
        self.expect("]")
        if not isinstance(key.constant, bytes):
            raise ExpressionError("expected the name of a header in brackets")
        return _header(name, key.constant)

    def _called(self, node: Node, depth: int) -> Node:
        """Take the methods called on a value."""
        while self._take("."):
            name = self._word()
            self.expect("(")
            argument = None if self._take(")") else self.either(depth + 1)
            if argument is not None:
                self.expect(")")
            node = _method(node, name, argument)
        return node


def _constant(kind: str, value: Any) -> Node:
    return Node(kind, lambda logged: value, constant=value)


def _header(of: str, name: bytes) -> Node:
    get, key = HEADER_READERS[of], name.lower()
    return Node("text", lambda logged: get(logged, key), f"{of}.{name.decode()}")


def _compared(left: Node, sign: str, right: Node) -> Node:
    if left.type != right.type or left.type == "headers" or (sign not in ("==", "!=") and left.type not in ORDERED):
        raise ExpressionError(f"expected two of a kind at {sign}, got a {left.type} and a {right.type}")
    compare, first, second = COMPARE[sign], left.read, right.read

    def read(logged: Logged) -> bool | None:
        one, other = first(logged), second(logged)
        return None if one is None or other is None else compare(one, other)
    return Node("truth value", read)


def _method(node: Node, name: str, argument: Node | None) -> Node:
    """Call a method of a text."""
    if node.type != "text":
        raise ExpressionError(f"expected a text before {name}(), got a {node.type}")
    read = node.read
    if name == "size" and argument is None:
        def size(logged: Logged) -> int | None:
            value = read(logged)
            return None if value is None else len(value.decode(errors="replace"))
        return Node("number", size)
    wanted = None if argument is None else argument.constant
    if name not in TESTS or not isinstance(wanted, bytes):
        raise ExpressionError(f"expected {', '.join(TESTS)} with a text in quotes, or size(), got {name}()")
    test = TESTS[name](wanted)

    def holds(logged: Logged) -> bool | None:
        value = read(logged)
        return None if value is None else test(value)
    return Node("truth value", holds)


def _matches(pattern: bytes) -> Callable[[bytes], bool]:
    """Match a regular expression anywhere in a text, as CEL does."""
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        search = re2.compile(pattern.decode(), options).search
    except re2.error as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ExpressionError(f"matches({pattern.decode()!r}): {detail}") from None
    return lambda value: search(value) is not None


TESTS: Final[dict[str, Callable[[bytes], Callable[[bytes], bool]]]] = {
    "startsWith": lambda wanted: lambda value: value.startswith(wanted),
    "endsWith": lambda wanted: lambda value: value.endswith(wanted),
    "contains": lambda wanted: lambda value: wanted in value,
    "matches": _matches,
}


def _unquote(token: Token) -> str:
    """Give the text of a literal."""
    if token.text[0] in "rR":
        return token.text[2:-1]

    def character(found: re.Match[str]) -> str:
        digits = found[1] or found[2] or found[3]
        if digits:
            code = int(digits, 16)
            if code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise ExpressionError(f"character {token.place + 1}: expected a character that there is, got {found.group()}")
            return chr(code)
        if found[4] not in ESCAPES:
            raise ExpressionError(f"character {token.place + 1}: expected an escape that CEL has, got {found.group()}")
        return ESCAPES[found[4]]
    return _ESCAPE.sub(character, token.text[1:-1])

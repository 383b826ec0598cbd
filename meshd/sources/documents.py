"""Bytes of a file to documents with positions; what cannot be read is a Problem, never an exception."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import cast

import attrs
import yaml
from yaml.nodes import Node

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.paths import LineOf, Path, format_path, no_lines, shown_key
from meshd.model.yaml_values import MAX_DEPTH, Builder, TooDeep, compose, find_line, find_path
from meshd.sources.json_values import JsonError, check_value, read_values

MAX_FILE_BYTES = 16 * 1024 * 1024  # about 12,000 services with their endpoints; parses in some 3 s
MAX_DOCUMENTS = 100_000  # in one file; seven times what fits into MAX_FILE_BYTES when each is a small resource
MAX_NAME_SHOWN = 253  # Kubernetes' longest name

# reason: this text is the operator's own file, bounded by MAX_FILE_BYTES, and the patterns are linear
_MARKER = re.compile(rb"^(?:---|\.\.\.)(?=[ \t\n]|\Z)", re.MULTILINE)
_FORBIDDEN = re.compile("[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

_HINTS = (
    ("cannot start any token", "indent with spaces, not tabs, and quote values that begin with a special character"),
    ("mapping values are not allowed", "quote values that contain ': ' and check the indentation"),
    ("did not find expected key", "check the indentation and the quotes"),
    ("could not find expected ':'", "check for a missing colon and the indentation"),
    ("did not find expected '-' indicator", "check the indentation of the list"),
    ("found undefined alias", "quote values that begin with *"),
    ("unexpected end of stream", "check for a missing quote or bracket"),
)


@attrs.frozen
class Document:
    """
    One document of a file, or one item of its `kind: List`.

    Attributes:
        origin: File, line, and kind and name as far as they could be read.
        body: Plain dicts, lists and scalars; incomplete where there are problems, empty where nothing could be read.
        lines: Looks up the line of a field in the file.
        problems: What is wrong with it as text; with any, it cannot be used.
    """

    origin: Origin
    body: Mapping[str, object]
    lines: LineOf = no_lines
    problems: tuple[Problem, ...] = ()


@attrs.frozen
class Chunk:
    """The bytes between two document markers, and the line, from 1, that they begin on."""

    line: int
    content: bytes


def split(content: bytes, file: str) -> list[Chunk]:
    """
    Cut a file at its document markers, so that a fault stays within one document.

    A marker at the start of a line is never content (YAML 1.2, 9.1.2). Directives (`%YAML`) are dropped, they mean nothing here.
    A JSON file is one chunk.
    """
    if file.endswith(".json") or len(content) > MAX_FILE_BYTES or content.startswith(_WIDE_MARKS):
        return [Chunk(1, content)]
    content = content.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    chunks: list[Chunk] = []
    begin, line = 0, 1
    for marker in _MARKER.finditer(content):
        _add_chunk(chunks, line, content[begin : marker.start()], opens=content[begin : begin + 3] != b"---")
        line += content.count(b"\n", begin, marker.start())
        begin = marker.start() if marker.group() == b"---" else marker.end()
        if len(chunks) > MAX_DOCUMENTS:
            return [Chunk(1, content)]
    _add_chunk(chunks, line, content[begin:], opens=content[begin : begin + 3] != b"---")
    return chunks


def _add_chunk(chunks: list[Chunk], line: int, content: bytes, *, opens: bool) -> None:
    """Add a chunk unless it is empty; one that `opens` a stream may begin with directives, which become blank lines."""
    if opens and b"%" in content:
        lines = content.split(b"\n")
        for index, text in enumerate(lines):
            if text.startswith(b"%"):
                lines[index] = b""
            elif text.strip() and not text.lstrip().startswith(b"#"):
                break
        content = b"\n".join(lines)
    if content.strip() not in (b"", b"---"):
        chunks.append(Chunk(line, content))


def read_chunk(chunk: Chunk, file: str, is_json: bool | None = None, *, open_lists: bool = True) -> list[Document]:
    """
    Return the documents of a chunk, those that cannot be used among them, empty ones not.

    Args:
        chunk: What is read.
        file: Its file.
        is_json: What it is; by default the file's name says it.
        open_lists: Give the items of a `List` instead of it.
    """
    is_json = file.endswith(".json") if is_json is None else is_json
    whole = Origin(file, chunk.line)
    if len(chunk.content) > MAX_FILE_BYTES:
        return [_broken(whole, f"expected a file of at most {MAX_FILE_BYTES // 2**20} MiB, got more", "split the file")]
    if not is_json and chunk.line == 1 and len(_MARKER.findall(chunk.content)) > MAX_DOCUMENTS:
        return [_broken(whole, f"expected at most {MAX_DOCUMENTS} documents in a file, got more", "split the file")]
    if chunk.content.startswith(_WIDE_MARKS):
        return [_broken(whole, "expected UTF-8, got a UTF-16 or UTF-32 byte order mark", "save the file as UTF-8")]
    try:
        text = chunk.content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = chunk.line + chunk.content.count(b"\n", 0, error.start)
        return [_broken(whole, f"expected UTF-8, got the byte 0x{chunk.content[error.start]:02x}", "save the file as UTF-8", line)]
    odd = _FORBIDDEN.search(text)
    if odd is not None:
        line = chunk.line + text.count("\n", 0, odd.start())
        if not (is_json and odd.group() == "\r"):
            return [_broken(whole, f"expected printable text, got the character U+{ord(odd.group()):04X}", "remove it", line)]
    return list(_read_json(text, file, open_lists) if is_json else _read_yaml(text, file, chunk.line - 1, open_lists))


def _broken(origin: Origin, message: str, hint: str = "", line: int = 0) -> Document:
    return Document(origin, {}, problems=(Problem(origin, message, hint=hint, line=line),))


def _read_yaml(text: str, file: str, offset: int, open_lists: bool) -> Iterator[Document]:
    try:
        nodes = compose(text)
    except TooDeep:
        yield _broken(Origin(file, offset + 1), f"expected at most {MAX_DEPTH} levels of nesting, got more")
        return
    except yaml.YAMLError as error:
        yield _syntax_fault(error, Origin(file, offset + 1), offset)
        return
    for node in nodes:
        yield from _read_node(node, file, offset, open_lists)


def _syntax_fault(error: yaml.YAMLError, origin: Origin, offset: int) -> Document:
    mark = getattr(error, "problem_mark", None)
    fault = str(getattr(error, "problem", None) or "text that is no YAML")
    hint = next((hint for words, hint in _HINTS if words in fault), "")
    place = f" at column {mark.column + 1}" if mark is not None else ""
    return _broken(origin, f"expected YAML, got a fault{place}: {shown_key(fault)}", hint, offset + mark.line + 1 if mark is not None else 0)


def _read_node(node: Node, file: str, offset: int, open_lists: bool) -> Iterator[Document]:
    found: list[tuple[Node, str, str]] = []
    builder = Builder(lambda at, message, hint: found.append((at, message, hint)))
    body = builder.build(node)
    if body is None and not found:
        return
    place = Origin(file, offset + node.start_mark.line + 1)
    origin = _named(place, body)
    if found:
        yield Document(
            origin,
            _partial(body),
            problems=tuple(
                Problem(origin, _told(origin, message), format_path(find_path(node, at)), hint, line=offset + at.start_mark.line + 1)
                for at, message, hint in found
            ),
        )
        return
    yield from _open_lists(body, place, lambda path: offset + find_line(node, path) + 1, open_lists)


def _told(origin: Origin, message: str) -> str:
    """Give a message, but for a Secret without what was found, which may be one."""
    return message.partition(", got ")[0] if origin.kind == "Secret" else message


def _read_json(text: str, file: str, open_lists: bool) -> Iterator[Document]:
    try:
        values = read_values(text)
    except JsonError as error:
        yield _broken(Origin(file, 1), str(error), "check commas, quotes and brackets", error.line)
        return
    for line, value in values:
        place = Origin(file, line)
        found: list[tuple[Path, str, str]] = []
        lines = _JsonLines(text, len(values) == 1, line)
        if check_value(value, lambda path, message, hint, found=found: found.append((path, message, hint))):  # type: ignore[misc]
            yield from _open_lists(value, place, lines, open_lists)
        else:
            origin = _named(place, value)
            problems = tuple(Problem(origin, _told(origin, said), format_path(path), hint, line=lines(path)) for path, said, hint in found)
            yield Document(origin, _partial(value), problems=problems)


class _JsonLines:
    """Looks up lines in a JSON text by reading it as YAML, once, and only when somebody asks."""

    def __init__(self, text: str, single: bool, line: int) -> None:
        self._text = text if single else ""
        self._line = line
        self._root: Node | None = None

    def __call__(self, path: Path) -> int:
        """Return the line of a path; the value's first line where the text is not YAML too."""
        if self._text:
            with contextlib.suppress(yaml.YAMLError):
                self._root = compose(self._text)[0]
            self._text = ""
        return self._line if self._root is None else find_line(self._root, path) + 1


def _open_lists(body: object, place: Origin, lines: LineOf, wanted: bool = True) -> Iterator[Document]:
    """Yield a body, or, where that is wanted, the items of a `List`."""
    origin = _named(place, body)
    if not isinstance(body, dict):
        got = "a list" if isinstance(body, list) else "a single value"
        yield _broken(origin, f"expected a mapping with apiVersion, kind and metadata, got {got}", "look at the examples")
        return
    kind, items = body.get("kind"), body.get("items")
    if not (wanted and isinstance(kind, str) and kind.endswith("List") and (items is None or isinstance(items, list))):
        yield Document(origin, cast(Mapping[str, object], body), lines)
        return
    for index, item in enumerate(items or ()):
        here = _below(lines, ("items", index))
        typed = {"apiVersion": body.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
        yield from _open_lists({**typed, **item} if isinstance(item, dict) else item, attrs.evolve(place, line=here(())), here)


def _below(lines: LineOf, prefix: Path) -> LineOf:
    return lambda path: lines((*prefix, *path))


def _partial(body: object) -> Mapping[str, object]:
    return body if isinstance(body, dict) else {}


def _named(place: Origin, body: object) -> Origin:
    """Add kind, namespace and name as far as they can be read and shown on one line."""
    if not isinstance(body, dict):
        return place
    metadata = body.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    return attrs.evolve(
        place, kind=_shown(body.get("kind")), namespace=_shown(named.get("namespace")), name=_shown(named.get("name"))
    )


def _shown(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= MAX_NAME_SHOWN and value.isprintable() else ""

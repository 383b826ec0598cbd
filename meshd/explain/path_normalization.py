"""
Path normalization, told byte by byte: the reference that the tables' fast form is held to.

Source:
    googleurl's CanonicalizePath, which Envoy 1.40 normalizes with, between what Envoy does before it (parameters of dot segments, escaped
    slashes) and after it (runs of slashes).
"""

import string

from meshd.snapshot.network_filter import PathNormalization

UNESCAPED = string.ascii_letters + string.digits + "-._~"
ESCAPED = '"<>^`{|}'


def normalize_path(target: str, mode: PathNormalization) -> str | None:
    """Return the normalized form of a target, or None where it has none; what does not begin with `/` stays as it is."""
    target = target.split("#", 1)[0]
    if mode == "NONE" or not target.startswith("/"):
        return target
    path, mark, query = target.partition("?")
    if mode == "DECODE_AND_MERGE_SLASHES":
        for escape, letter in (("%2F", "/"), ("%2f", "/"), ("%5C", "\\"), ("%5c", "\\")):
            path = path.replace(escape, letter)
    path = _without_parameters(path)
    canonical = None if "%00" in path else _Canonical(path).run()
    if canonical is None:
        return None
    if mode != "BASE":
        canonical = _with_single_slashes(canonical)
    return canonical + mark + query


def _without_parameters(path: str) -> str:
    """Drop from each `/.;` and `/..;` the semicolon and what follows, up to the next slash."""
    for dots in ("/.;", "/..;"):
        start = path.find(dots)
        while start >= 0:
            semicolon = start + len(dots) - 1
            end = path.find("/", semicolon)
            path = path[:semicolon] + (path[end:] if end >= 0 else "")
            start = path.find(dots, start)
    return path


def _with_single_slashes(path: str) -> str:
    if "//" not in path:
        return path
    return "/" + "/".join(filter(None, path.split("/"))) + ("/" if path[-1] == "/" else "")


class _Canonical:
    """One walk over a path, as googleurl takes it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.place = 0
        self.out = ""
        self.lone_percent = -4

    def run(self) -> str | None:
        """Return the canonical path, or None for an escaped NUL."""
        while self.place < len(self.path):
            letter = self.path[self.place]
            dot = self.dot_length(self.place)
            if dot:
                self.take_dot(dot)
            elif letter == "\\":
                self.take("/")
            elif letter == "%":
                if not self.take_escape():
                    return None
            else:
                self.take(f"%{ord(letter):02X}" if letter in ESCAPED or not "!" <= letter <= "~" else letter)
        return self.out

    def take(self, text: str, length: int = 1) -> None:
        self.out += text
        self.place += length

    def dot_length(self, place: int) -> int:
        if self.path[place:place + 1] == ".":
            return 1
        return 3 if self.path[place:place + 3].lower() == "%2e" else 0

    def ends_segment(self, place: int) -> bool:
        return place >= len(self.path) or self.path[place] in "/\\"

    def behind_parameters(self, place: int) -> int:
        """Give where parameters end that begin at a place; Envoy leaves those of dot segments that an escape or a backslash has hidden."""
        if self.path[place:place + 1] == ";":
            while not self.ends_segment(place):
                place += 1
        return place

    def take_dot(self, length: int) -> None:
        after = self.place + length
        second = self.dot_length(after)
        one, two = self.behind_parameters(after), self.behind_parameters(after + second)
        if not self.out.endswith("/"):
            self.take(".", length)
        elif self.ends_segment(one):
            self.place = one + 1
        elif second and self.ends_segment(two):
            self.out = self.out[:self.out.rfind("/", 0, len(self.out) - 1) + 1] or "/"
            self.place = two + 1
        else:
            self.take(".", length)

    def take_escape(self) -> bool:
        digits = self.path[self.place + 1:self.place + 3]
        if not _is_escape("%" + digits):
            self.lone_percent = len(self.out)
            self.take("%")
            return True
        letter = chr(int(digits, 16))
        if letter not in UNESCAPED:
            self.take("%" + digits, 3)
            return letter != "\0"
        self.take(letter, 3)
        behind = self.out[self.lone_percent:] if self.lone_percent >= len(self.out) - 3 else ""
        if _is_escape(behind) or _is_escape(behind + self.path[self.place:self.place + 1]):
            self.out = self.out[:self.lone_percent] + "%25" + behind[1:]
        return True


def _is_escape(text: str) -> bool:
    return len(text) == 3 and text[0] == "%" and all(letter in string.hexdigits for letter in text[1:])

"""Path normalization: the one form of a path that is matched, authorized, routed, logged and forwarded."""

from collections.abc import Callable
from string import ascii_letters, digits

from meshd.base.byte_sets import keeps
from meshd.snapshot.network_filter import EscapedSlashes, PathNormalization
from meshd.snapshot.replies import REPLIES, Reply

Normalize = Callable[[bytes], bytes]

UNRESERVED = frozenset((ascii_letters + digits + "-._~").encode())
"""Bytes that an escape need not hide: `%61` becomes `a`."""
PASSED = UNRESERVED | frozenset(b"!$%&'()*+,/:;=@[]#?")
"""Bytes that stand as they are; all others are escaped."""
SAFE = keeps(bytes(PASSED - frozenset(b"%#")))
"""Leaves bytes that never ask for a change, unless a dot follows a slash."""
DOTLESS = keeps(bytes(PASSED - frozenset(b"%#.")))
"""Leaves bytes that never ask for a change of the mode BASE: as most paths are, these are asked for first."""
FRAGMENT = 35  # `#`
PERCENT = 37  # `%`
ESCAPED = [bytes((byte,)) if byte in PASSED else b"%%%02X" % byte for byte in range(256)]
HEX = frozenset(b"0123456789abcdefABCDEF")


def build_normalize(mode: PathNormalization, escaped_slashes: EscapedSlashes = "") -> Normalize:
    """
    Return what turns a request's target (path with query) into its normalized form, as one of Istio's modes asks.

    The query is never touched, a fragment is cut. The result is empty where the path cannot be normalized (`%00`), or holds escaped slashes
    that are not taken: answer with `refuse_path`. A target that does not begin with `/` is no path (`*`): it stays as it is.

    Source:
        Envoy 1.40 (googleurl's CanonicalizePath between Envoy's unescapeSlashes and mergeSlashes), byte for byte as observed, but that a normalized
        path stays what it is when it is normalized again, as an application may do.
    """
    normalize = NORMALIZATIONS[mode]
    if not escaped_slashes:
        return normalize

    def normalize_unless_escaped(target: bytes) -> bytes:
        target = cut_fragment(target)
        return b"" if PERCENT in target and _unescaped_slashes(target) != target else normalize(target)

    return normalize_unless_escaped


def refuse_path(target: bytes, mode: PathNormalization, escaped_slashes: EscapedSlashes, is_grpc: bool) -> tuple[bytes, Reply]:
    """
    Answer for a target of which `build_normalize` made nothing: the path as it is logged, and the reply.

    Source:
        Envoy's maybeNormalizePath: a gRPC client does not follow redirects, and is refused.
    """
    failed = REPLIES["path_normalization_failed"]
    whole = cut_fragment(target)
    unescaped = _unescaped_slashes(whole)
    if not escaped_slashes or unescaped == whole:
        return target, failed
    path = b"" if escaped_slashes == "REJECT_REQUEST" else NORMALIZATIONS[mode](unescaped)
    if not path or is_grpc:
        return path or unescaped, failed
    return path, Reply(307, "", failed.details, headers=(("location", path.decode("latin-1")),))


def cut_fragment(target: bytes) -> bytes:
    """Give a target without its fragment: the mode NONE."""
    return target.partition(b"#")[0] if FRAGMENT in target else target


def normalize_base(target: bytes) -> bytes:
    """Give the form of the mode BASE: escapes of unreserved bytes decoded, backslashes made slashes, dot segments resolved."""
    if target.translate(DOTLESS) == target or (target.translate(SAFE) == target and target.find(b"/.") < 0):
        return target
    path, mark, query = cut_fragment(target).partition(b"?")
    if path.translate(SAFE) == path and path.find(b"/.") < 0:
        return path + mark + query
    path = _canonical(path)
    return path + mark + query if path else b""


def normalize_merge_slashes(target: bytes) -> bytes:
    """Give the form of the mode MERGE_SLASHES: BASE, then each run of slashes made one."""
    if target.translate(SAFE) == target and target.find(b"/.") < 0 and target.find(b"//") < 0:
        return target
    path, mark, query = cut_fragment(target).partition(b"?")
    path = _merged(_canonical(path))
    return path + mark + query if path else b""


def normalize_decode_and_merge_slashes(target: bytes) -> bytes:
    """Give the form of the mode DECODE_AND_MERGE_SLASHES: escaped slashes decoded, then as MERGE_SLASHES."""
    if target.translate(SAFE) == target and target.find(b"/.") < 0 and target.find(b"//") < 0:
        return target
    path, mark, query = _unescaped_slashes(cut_fragment(target)).partition(b"?")
    path = _merged(_canonical(path))
    return path + mark + query if path else b""


NORMALIZATIONS: dict[str, Normalize] = {
    "NONE": cut_fragment,
    "BASE": normalize_base,
    "MERGE_SLASHES": normalize_merge_slashes,
    "DECODE_AND_MERGE_SLASHES": normalize_decode_and_merge_slashes,
}


def _unescaped_slashes(target: bytes) -> bytes:
    """Decode slashes and backslashes of a target's path, not of its query."""
    path, mark, query = target.partition(b"?")
    if PERCENT in path:
        path = path.replace(b"%2F", b"/").replace(b"%2f", b"/").replace(b"%5C", b"\\").replace(b"%5c", b"\\")
    return path + mark + query


def _canonical(path: bytes) -> bytes:
    if not path.startswith(b"/"):
        return path
    if b";" in path:
        path = _without_parameters(path)
    if b"%" in path:
        path = _unescaped(path)
        if not path:
            return b""
    path = path.replace(b"\\", b"/")
    if b"/..;" in path or b"/.;" in path:  # hidden so far by an escape or a backslash; Envoy passes these on
        path = _without_parameters(path)
    if b"/." in path:
        path = _without_dot_segments(path)
    if path.translate(SAFE) != path:
        path = b"".join([ESCAPED[byte] for byte in path])
    return path


def _without_parameters(path: bytes) -> bytes:
    """Cut what follows `.;` and `..;` in a segment, which some servers take for dot segments; parameters of other segments stay."""
    segments = path.split(b"/")
    for place, segment in enumerate(segments):
        if segment.startswith((b"..;", b".;")):
            segments[place] = segment.partition(b";")[0]
    return b"/".join(segments)


def _unescaped(path: bytes) -> bytes:
    """Decode escapes of unreserved bytes, keep all others as written; empty for an escaped NUL."""
    first, *rest = path.split(b"%")
    out = bytearray(first)
    lone = -4  # where the last `%` stands that begins no escape
    for piece in rest:
        if len(piece) < 2 or piece[0] not in HEX or piece[1] not in HEX:
            lone = len(out)
            out += b"%" + piece
            continue
        byte = int(piece[:2], 16)
        if byte == 0:
            return b""
        if byte in UNRESERVED:
            out.append(byte)
            if lone >= len(out) - 3:
                _break_nested_escape(out, lone, piece[2:3])
            out += piece[2:]
        else:
            out += b"%" + piece
    return bytes(out)


def _break_nested_escape(out: bytearray, lone: int, following: bytes) -> None:
    """Escape a lone `%` that a decoded byte would make the start of a new escape (`%2%35` would become `%25`)."""
    digits_after = bytes(out[lone + 1:]) + (following if lone == len(out) - 2 else b"")
    if len(digits_after) == 2 and digits_after[0] in HEX and digits_after[1] in HEX:
        out[lone:lone + 1] = b"%25"


def _without_dot_segments(path: bytes) -> bytes:
    kept: list[bytes] = []
    segments = path[1:].split(b"/")
    for segment in segments:
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)


def _merged(path: bytes) -> bytes:
    """Make each run of slashes one; a path of slashes alone becomes `//`, as Envoy has it."""
    if b"//" not in path:
        return path
    inner = b"/".join([segment for segment in path.split(b"/") if segment])
    return b"/" + inner + (b"/" if path.endswith(b"/") else b"")

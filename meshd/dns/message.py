"""
DNS messages as bytes (RFC 1035, EDNS of RFC 6891): as much of them as a proxy has to understand.

Names are kept in wire form (labels with their lengths, a zero at the end). Nothing here follows a compression pointer, so none can lead in circles.
"""

import attrs

A, CNAME, SOA, PTR, AAAA, SRV, OPT, HINFO, ANY = 1, 5, 6, 12, 28, 33, 41, 13, 255
IN = 1
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)

HEADER = 12  # bytes
TYPE_AND_CLASS = 4  # bytes, behind the name of a question
PLAIN_LIMIT = 512  # bytes of a UDP answer where the client says nothing (RFC 1035, 2.3.4)
OWN_LIMIT = 1232  # bytes that we say we take (DNS flag day 2020)
MAX_NAME = 255
MAX_MESSAGE = 65535
MAX_RECORDS = 4096  # of an answer that is walked; 64 KiB hold some 5,400 of the shortest kind, no sane answer has a thousand

_OPT_START = b"\0\0\x29"
OPT_RECORD = _OPT_START + OWN_LIMIT.to_bytes(2, "big") + bytes(6)
"""Says that we know EDNS, in answers to those who do."""


@attrs.frozen
class Question:
    """
    One question.

    Attributes:
        name: In wire form, in lower case.
        kind: Record type.
        cls: Class.
        end: Where in the message it ends.
        edns: Size of answers that the client takes, of EDNS; 0 where it does not know EDNS.
    """

    name: bytes
    kind: int
    cls: int
    end: int
    edns: int = 0

    @property
    def limit(self) -> int:
        """Bytes that an answer over UDP may have."""
        return max(PLAIN_LIMIT, min(self.edns, OWN_LIMIT))


def wire_name(text: str) -> bytes | None:
    """Give a host name in wire form and lower case; None where it cannot be one (RFC 1035, 2.3.4)."""
    labels = text.lower().rstrip(".").split(".")
    try:
        parts = [label.encode("ascii") for label in labels]
    except UnicodeEncodeError:
        return None
    if not all(0 < len(part) < 64 for part in parts):
        return None
    name = b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
    return name if len(name) <= MAX_NAME else None


def skip_name(message: bytes, place: int, *, compressed: bool = True) -> int:
    """Return where a name ends, which may be compressed or must not be; -1 where it is malformed or cut off."""
    end, length = len(message), 0
    while place < end:
        size = message[place]
        if size >= 0xC0:
            return place + 2 if compressed and place + 2 <= end else -1
        if size > 63 or length > MAX_NAME:
            return -1
        place += 1 + size
        length += 1 + size
        if not size:
            return place if length <= MAX_NAME else -1
    return -1


def read_question(message: bytes) -> Question | None:
    """Read a query with one question and nothing besides but EDNS; None where it is anything else."""
    if len(message) < HEADER or message[2] & 0xF8 or message[4:10] != b"\0\1\0\0\0\0" or message[10] or message[11] > 1:
        return None
    after = skip_name(message, HEADER, compressed=False)
    if after < 0 or after + 4 > len(message):
        return None
    end = after + 4
    edns = 0
    if message[11]:
        record = message[end:end + 11]
        if len(record) < 11 or record[:3] != _OPT_START or end + 11 + int.from_bytes(record[9:11], "big") > len(message):
            return None
        edns = max(PLAIN_LIMIT, int.from_bytes(record[3:5], "big"))
    name = message[HEADER:after].lower()
    return Question(name, int.from_bytes(message[after:after + 2], "big"), int.from_bytes(message[after + 2:end], "big"), end, edns)


def record(kind: int, ttl: int, data: bytes) -> bytes:
    """Give a resource record without its owner's name, which stands before it."""
    return kind.to_bytes(2, "big") + b"\0\1" + ttl.to_bytes(4, "big") + len(data).to_bytes(2, "big") + data


def reply(message: bytes, end: int, flags: int, records: bytes = b"", answers: int = 0, *, edns: bool = False) -> bytes:
    """
    Give an answer of our own.

    Args:
        message: The query.
        end: Where its question ends; `HEADER` for an answer that repeats none.
        flags: Of the second and third byte besides QR and what the query asks for: AA is 0x0400, TC 0x0200, the last four bits the RCODE.
        records: Answers, ready.
        answers: How many.
        edns: The client knows EDNS.
    """
    asked = 0x8000 | (message[2] & 0x01) << 8 | 0x0080 | flags  # QR, RD as it came, RA
    counts = (1 if end > HEADER else 0, answers, 0, 1 if edns else 0)
    head = message[:2] + asked.to_bytes(2, "big") + b"".join(count.to_bytes(2, "big") for count in counts)
    return head + message[HEADER:end] + records + (OPT_RECORD if edns else b"")


def record_places(message: bytes) -> list[tuple[int, int]] | None:
    """Return where each record's fields behind its name begin, and its type; None where a message is malformed, cut off, or absurdly long."""
    if len(message) < HEADER:
        return None
    questions, *sections = (int.from_bytes(message[place:place + 2], "big") for place in (4, 6, 8, 10))
    place = HEADER
    for _ in range(questions):
        place = skip_name(message, place)
        if place < 0 or place + 4 > len(message):
            return None
        place += 4
    if sum(sections) > MAX_RECORDS:
        return None
    found = []
    for _ in range(sum(sections)):
        place = skip_name(message, place)
        if place < 0 or place + 10 > len(message):
            return None
        found.append((place, int.from_bytes(message[place:place + 2], "big")))
        place += 10 + int.from_bytes(message[place + 8:place + 10], "big")
        if place > len(message):
            return None
    return found


def cut(message: bytes, limit: int) -> bytes:
    """
    Give an answer as it fits into a limit: with as many whole answer records as there is room for, and marked as cut (TC).

    Of an answer that its sender cut, the last record may be cut in the middle; all others are well-formed.
    """
    if len(message) <= limit and not message[2] & 0x02:
        return message
    places = record_places(message)
    if len(message) <= limit and places is not None:
        return message
    answers = int.from_bytes(message[6:8], "big")
    kept, end = 0, HEADER
    for place, _kind in (places or [])[:answers]:
        after = place + 10 + int.from_bytes(message[place + 8:place + 10], "big")
        if after > limit:
            break
        kept, end = kept + 1, after
    if not kept:
        end = skip_name(message, HEADER) + 4 if message[4:6] == b"\0\1" else HEADER
    return message[:2] + bytes([message[2] | 0x02]) + message[3:6] + kept.to_bytes(2, "big") + bytes(4) + message[HEADER:end]

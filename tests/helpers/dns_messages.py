"""DNS queries as bytes."""

from meshd.dns.message import A, wire_name

EDNS = b"\0\0\x29\x10\0\0\0\0\0\0\0"
"""An OPT record of a client that takes 4,096 bytes."""


def query(name: str, kind: int = A, edns: int = 0, number: int = 0x1234, cls: int = 1) -> bytes:
    """
    Give a query, with the name's letters as they are.

    Args:
        name: What is asked for.
        kind: Record type.
        edns: Bytes that the client takes; 0: it does not know EDNS.
        number: Its id.
        cls: Class.
    """
    wire = wire_name(name)
    assert wire is not None
    spelled = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"
    extra = EDNS[:3] + edns.to_bytes(2, "big") + EDNS[5:] if edns else b""
    asked = spelled + kind.to_bytes(2, "big") + cls.to_bytes(2, "big")
    return number.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0" + (b"\1" if edns else b"\0") + asked + extra

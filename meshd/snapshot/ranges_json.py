"""Address ranges in Envoy's v3 JSON."""

from typing import Any

from meshd.base.addresses import is_ip_address, is_ipv6
from meshd.snapshot.json_fields import Json, read_int, read_many, read_text, whole


def write_ranges(ranges: tuple[str, ...]) -> list[Json]:
    """Give CIDRs as Envoy's CidrRanges; an address alone is a range of one."""
    return [_write_range(cidr) for cidr in ranges]


def _write_range(cidr: str) -> Json:
    address, _slash, length = cidr.partition("/")
    return {"addressPrefix": address, "prefixLen": int(length or (128 if is_ipv6(address) else 32))}


def _read_range(found: Json) -> str:
    address, length = read_text(found["addressPrefix"]), read_int(found.get("prefixLen", 0))
    if not is_ip_address(address) or length > (128 if is_ipv6(address) else 32):
        raise ValueError(f"expected an address and a prefix length, found {address!r} and {length}")
    return f"{address}/{length}"


_read_whole_range = whole(_read_range, "CidrRange")


def read_ranges(found: Any) -> tuple[str, ...]:
    """Read CidrRanges."""
    return read_many(found, _read_whole_range)

"""What an operator wrote under `capture`, checked and made canonical; nothing unchecked reaches a ruleset."""

import re
import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, ip_network
from typing import TypeVar

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.capture.ruleset import Family
from meshd.model.node import CaptureSettings

MAX_ID = 2**32 - 2  # 2**32 - 1 is the kernel's "no id"
MAX_ENTRIES = 1000  # of one list; rules are tried one after the other, and a longer list is a mistake
SHOWN = 80  # characters of a wrong value that a message quotes

# reason: short operator text; both patterns are linear and anchored
_INTERFACE = re.compile(r"[A-Za-z0-9_.@][A-Za-z0-9_.@-]{0,14}")  # IFNAMSIZ is 16 with its final zero
_NUMBER = re.compile(r"[0-9]{1,10}")

FindId = Callable[[str], int]
"""Name of a user or group to its number; raises KeyError."""

T = TypeVar("T")


@attrs.frozen
class Network:
    """A checked address range; an empty `text` is every address of the family."""

    family: Family
    text: str
    loopback: bool = False


@attrs.frozen
class Checked:
    """Settings whose every value may be written into a ruleset."""

    inbound: bool = True
    outbound: bool = True
    include_inbound_ports: tuple[tuple[int, int], ...] = ()
    exclude_inbound_ports: tuple[tuple[int, int], ...] = ()
    include_outbound_ports: tuple[tuple[int, int], ...] = ()
    exclude_outbound_ports: tuple[tuple[int, int], ...] = ()
    include_outbound_cidrs: tuple[Network, ...] = ()
    exclude_outbound_cidrs: tuple[Network, ...] = ()
    exclude_uids: tuple[int, ...] = ()
    exclude_gids: tuple[int, ...] = ()
    include_uids: tuple[int, ...] = ()
    include_gids: tuple[int, ...] = ()
    exclude_interfaces: tuple[str, ...] = ()
    dns: tuple[Network, ...] = ()


def read_settings(settings: CaptureSettings, origin: Origin, find_uid: FindId, find_gid: FindId) -> tuple[Checked, list[Problem]]:
    """
    Check every list; entries that cannot be read are left out and told as Problems.

    `*` in a list of inclusions stands for all, as in Istio, and empties the list.
    """
    problems: list[Problem] = []

    def read(field: str, values: tuple[str, ...], read_one: Callable[[str], T]) -> tuple[T, ...]:
        path = f"spec.capture.{_camel(field)}"
        if field.startswith("include") and "*" in values:
            return ()
        if len(values) > MAX_ENTRIES:
            problems.append(Problem(origin, f"expected at most {MAX_ENTRIES} entries, got {len(values)}", path))
            return ()
        return tuple(dict.fromkeys(_read_each(path, values, read_one, origin, problems)))

    def read_uid(text: str) -> int:
        return read_id(text, "user", find_uid)

    def read_gid(text: str) -> int:
        return read_id(text, "group", find_gid)

    checked = Checked(
        inbound=settings.inbound,
        outbound=settings.outbound,
        include_inbound_ports=read("include_inbound_ports", settings.include_inbound_ports, read_ports),
        exclude_inbound_ports=read("exclude_inbound_ports", settings.exclude_inbound_ports, read_ports),
        include_outbound_ports=read("include_outbound_ports", settings.include_outbound_ports, read_ports),
        exclude_outbound_ports=read("exclude_outbound_ports", settings.exclude_outbound_ports, read_ports),
        include_outbound_cidrs=read("include_outbound_cidrs", settings.include_outbound_cidrs, read_network),
        exclude_outbound_cidrs=read("exclude_outbound_cidrs", settings.exclude_outbound_cidrs, read_network),
        exclude_uids=read("exclude_uids", settings.exclude_uids, read_uid),
        exclude_gids=read("exclude_gids", settings.exclude_gids, read_gid),
        include_uids=read("include_uids", settings.include_uids, read_uid),
        include_gids=read("include_gids", settings.include_gids, read_gid),
        exclude_interfaces=read("exclude_interfaces", settings.exclude_interfaces, read_interface),
    )
    return checked, problems


def read_ports(text: str) -> tuple[int, int]:
    """
    Read `80` or `8000-8080` (`8000:8080` too).

    Raises:
        ValueError: If it is neither, or not within 1 to 65535.
    """
    first, dash, last = text.strip().replace(":", "-").partition("-")
    if not _NUMBER.fullmatch(first) or (dash and not _NUMBER.fullmatch(last)):
        raise ValueError("a port or a range such as 8000-8080")
    low, high = int(first), int(last if dash else first)
    if not 1 <= low <= high <= 65535:
        raise ValueError("ports from 1 to 65535, the first not above the last")
    return low, high


def read_network(text: str) -> Network:
    """
    Read an address or CIDR; bits beyond the prefix may be set.

    Raises:
        ValueError: If it is neither.
    """
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError("an address or a range such as 10.0.0.0/8") from None
    if "%" in text:
        raise ValueError("an address or a range without a zone")
    family: Family = "ip" if isinstance(network, IPv4Network) else "ip6"
    if network.prefixlen == 0:
        return Network(family, "")
    # reason: the kernel's tools print addresses as inet_ntop does, and verify compares texts
    address = socket.inet_ntop(socket.AF_INET if family == "ip" else socket.AF_INET6, network.network_address.packed)
    text = address if network.prefixlen == network.max_prefixlen else f"{address}/{network.prefixlen}"
    return Network(family, text, network.network_address.is_loopback)


def read_id(text: str, what: str, find: FindId) -> int:
    """
    Read a number, or look a name up.

    Raises:
        ValueError: If it is no number in range and no name that exists.
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        if int(text) > MAX_ID:
            raise ValueError(f"a {what} id from 0 to {MAX_ID}")
        return int(text)
    try:
        return find(text)
    except (KeyError, ValueError):
        raise ValueError(f"a {what} id or the name of a {what} of this machine") from None


def read_interface(text: str) -> str:
    """
    Read an interface's name; a trailing `*` or `+` stands for any rest, and comes back as `*`.

    Raises:
        ValueError: If the kernel would not allow the name.
    """
    text = text.strip()
    name = text[:-1] if text.endswith(("*", "+")) else text
    if not _INTERFACE.fullmatch(name) or name in (".", ".."):
        raise ValueError("an interface name such as eth1 or docker*")
    return name if name == text else f"{name}*"


def _read_each(path: str, values: Iterable[str], read_one: Callable[[str], T], origin: Origin, problems: list[Problem]) -> Iterable[T]:
    for index, value in enumerate(values):
        try:
            yield read_one(value)
        except ValueError as error:
            shown = value if len(value) <= SHOWN else value[:SHOWN] + "..."
            problems.append(Problem(origin, f"expected {error}, got {shown!r}", f"{path}[{index}]"))


def _camel(field: str) -> str:
    first, *rest = field.split("_")
    return first + "".join(word.capitalize() for word in rest)

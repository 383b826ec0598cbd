"""What the kernel says of this machine: its addresses."""

import ipaddress
import os
import socket
import struct
from collections.abc import Iterable

_NLMSG = struct.Struct("=IHHII")  # struct nlmsghdr: length, type, flags, sequence, port
_IFADDR = struct.Struct("=BBBBi")  # struct ifaddrmsg: family, prefix length, flags, scope, index
_ATTRIBUTE = struct.Struct("=HH")  # struct rtattr: length, type
_GET_ADDRESSES, _NEW_ADDRESS, _DONE = 22, 20, 3  # RTM_GETADDR, RTM_NEWADDR, NLMSG_DONE
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ADDRESS, _LOCAL = 1, 2  # IFA_ADDRESS, IFA_LOCAL (which is the own one on point-to-point links)
_UNUSABLE = 0x08 | 0x40  # IFA_F_DADFAILED | IFA_F_TENTATIVE


def machine_addresses() -> tuple[str, ...]:
    """Give the addresses of all interfaces in the kernel's order (IPv4 first); empty where it cannot be asked."""
    found: list[str] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            found += _ask(family)
        except OSError:
            continue
    return tuple(dict.fromkeys(found))


def own_address(addresses: Iterable[str]) -> str:
    """Give the first of a machine's addresses that others may know it by; 127.0.0.1 where there is none."""
    return next((address for address in addresses if not ipaddress.ip_address(address).is_loopback), "127.0.0.1")


def read_addresses(message: bytes) -> tuple[list[str], bool]:
    """Read a netlink answer: the addresses in it, and whether it is the last one."""
    found: list[str] = []
    position = 0
    while position + _NLMSG.size <= len(message):
        length, kind, _, _, _ = _NLMSG.unpack_from(message, position)
        if kind == _DONE or length < _NLMSG.size:
            return found, True
        if kind == _NEW_ADDRESS:
            address = _read_address(message[position + _NLMSG.size:position + length])
            if address:
                found.append(address)
        position += (length + 3) & ~3
    return found, position == 0


def _read_address(body: bytes) -> str:
    if len(body) < _IFADDR.size:
        return ""
    family, _, flags, _, _ = _IFADDR.unpack_from(body)
    size = 4 if family == socket.AF_INET else 16
    attributes = {}
    position = _IFADDR.size
    while position + _ATTRIBUTE.size <= len(body):
        length, kind = _ATTRIBUTE.unpack_from(body, position)
        if length < _ATTRIBUTE.size:
            break
        attributes[kind] = body[position + _ATTRIBUTE.size:position + length]
        position += (length + 3) & ~3
    own = attributes.get(_LOCAL) or attributes.get(_ADDRESS, b"")
    return socket.inet_ntop(family, own) if len(own) == size and not flags & _UNUSABLE else ""


def _ask(family: int) -> list[str]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as netlink:
        netlink.settimeout(1.0)
        netlink.bind((0, 0))
        body = _IFADDR.pack(family, 0, 0, 0, 0)
        netlink.send(_NLMSG.pack(_NLMSG.size + len(body), _GET_ADDRESSES, _REQUEST_DUMP, os.getpid() & 0xFFFF, 0) + body)
        found: list[str] = []
        done = False
        while not done:
            more, done = read_addresses(netlink.recv(65536))
            found += more
        return found

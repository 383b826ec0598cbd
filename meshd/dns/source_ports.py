"""
Which ports questions are sent from: such as the kernel gives no application.

Where questions are captured, the kernel remembers for each (address, port) that asked a name server whether that one's datagrams are diverted, for
up to two minutes. Were ports shared, a question of ours from a port that an application asked from before would be diverted back to us, and one of
an application's from a port of ours would go past us, to a server that knows nothing of the mesh. (Istio has conntrack zones for this.)
"""

import secrets
import socket

RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
FIRST, LAST = 1024, 65535  # what a process without privileges may bind
FEWEST = 4096  # ports to choose from: 12 bits more that an attacker has to guess (RFC 5452, 9.2)
TRIES = 8

Ports = range


def ports_apart(path: str = RANGE) -> Ports:
    """Give the larger range of ports beside those that the kernel gives to sockets that bind none; empty where that leaves too few."""
    try:
        with open(path, encoding="ascii") as file:
            first, last = (int(word) for word in file.read().split())
    except (OSError, ValueError):
        return range(0)
    found = max(range(FIRST, first), range(last + 1, LAST + 1), key=len)
    return found if len(found) >= FEWEST else range(0)


def bind_apart(opened: socket.socket, ports: Ports) -> None:
    """Bind a socket to one of the ports, by chance; to one of the kernel's choice where none is to be had."""
    for _ in range(TRIES if ports else 0):
        try:
            opened.bind(("", ports[secrets.randbelow(len(ports))]))
        except OSError:  # somebody has it
            continue
        return

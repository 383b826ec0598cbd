"""A program: listeners that tell each caller what reached them, and callers with a user and a source of their own."""

import os
import select
import socket
import sys
from collections.abc import Sequence

SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h; the same number in IPv6's
SECONDS = 5.0


def serve(user: int, ports: Sequence[int]) -> None:
    """Answer each connection with `PORT of USER: DESTINATION from SOURCE`, and close it; for ever."""
    sockets = []
    for port in ports:
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            listener = socket.socket(family, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, port))
            listener.listen(16)
            sockets.append(listener)
    os.setgid(user)
    os.setuid(user)
    print("ready", flush=True)
    while True:
        for listener in select.select(sockets, [], [])[0]:
            connection, peer = listener.accept()
            with connection:
                where = listener.getsockname()[1]
                connection.sendall(f"{where} of {user}: {original_destination(connection)} from {peer[0]}".encode())


def original_destination(connection: socket.socket) -> str:
    """Give where the client meant to connect, `address port`."""
    level, length = (socket.SOL_IP, 16) if connection.family == socket.AF_INET else (socket.IPPROTO_IPV6, 28)
    try:
        raw = connection.getsockopt(level, SO_ORIGINAL_DST, length)
    except OSError:  # the kernel tracks no connections where no rule asks for it
        return "{} {}".format(*connection.getsockname()[:2])
    if length == 16:
        return f"{socket.inet_ntop(socket.AF_INET, raw[4:8])} {int.from_bytes(raw[2:4], 'big')}"
    return f"{socket.inet_ntop(socket.AF_INET6, raw[8:24])} {int.from_bytes(raw[2:4], 'big')}"


def call(address: str, port: int, uid: int, gid: int, source: str) -> str:
    """Connect as a user, from an address where one is given, and give the answer."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    try:
        with socket.create_connection((address, port), timeout=SECONDS, source_address=(source, 0) if source else None) as connection:
            return connection.makefile().read()
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "timeout"


def main(verb: str, *arguments: str) -> None:
    """Be a listener or a caller, as the first argument says."""
    if verb == "serve":
        serve(int(arguments[0]), [int(port) for port in arguments[1:]])
    else:
        address, port, uid, gid, source = arguments
        print(call(address, int(port), int(uid), int(gid), source))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Tell systemd how we are: sd_notify(3), which needs no library."""

import socket
from collections.abc import Mapping


def notify(environment: Mapping[str, str], state: str) -> bool:
    """Send a state such as `READY=1` to whoever started us with NOTIFY_SOCKET; tell whether it was sent."""
    address = environment.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
        try:
            sender.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
        except OSError:
            return False
    return True


def watchdog_interval(environment: Mapping[str, str], pid: int) -> float:
    """Give how often systemd wants to hear `WATCHDOG=1`, seconds (half its limit, as it advises); 0 for never."""
    wanted = environment.get("WATCHDOG_USEC", "")
    if environment.get("WATCHDOG_PID", str(pid)) != str(pid) or not wanted.isascii() or not wanted.isdigit():
        return 0.0
    return int(wanted) / 2e6

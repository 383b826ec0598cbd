"""
Play raw calls from inside a network namespace: `ENTER python raw_calls.py < CALLS.json > ANSWERS.json`.

A call is `{"address", "port", "send"}` (bytes as Latin-1 text); an answer is what came back until the peer closed, the connection fell silent for
`QUIET` seconds after its first byte, or `LIMIT` seconds had passed: `{"received", "end"}` with end `closed`, `reset`, `refused` or `open`.
"""

import json
import socket
import sys
import time

QUIET = 0.2
LIMIT = 5.0


def play(call: dict[str, object]) -> dict[str, str]:
    """Make one call and return its answer."""
    received = b""
    try:
        with socket.create_connection((str(call["address"]), int(str(call["port"]))), timeout=LIMIT) as connection:
            connection.sendall(str(call["send"]).encode("latin-1"))
            deadline = time.monotonic() + LIMIT
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    return {"received": received.decode("latin-1"), "end": "open"}
                connection.settimeout(min(left, QUIET) if received else left)
                part = connection.recv(65536)
                if not part:
                    return {"received": received.decode("latin-1"), "end": "closed"}
                received += part
    except TimeoutError:
        return {"received": received.decode("latin-1"), "end": "open"}
    except ConnectionResetError:
        return {"received": received.decode("latin-1"), "end": "reset"}
    except OSError:
        return {"received": received.decode("latin-1"), "end": "refused"}


if __name__ == "__main__":
    json.dump([play(call) for call in json.load(sys.stdin)], sys.stdout)

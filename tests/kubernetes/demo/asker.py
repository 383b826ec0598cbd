"""
Ask a service for ever: `python -m tests.kubernetes.demo.asker ADDRESS HOST`, on one connection, and print whenever the status of the answer changes.

A line is the time (the machine's monotonic clock, in seconds) at which the answer was there, and its status.
"""

import http.client
import sys
import time

PAUSE = 0.001  # seconds between two requests: how exactly a change is seen, together with the time of one request


def main(address: str, host: str) -> None:
    """Ask until the reader is gone."""
    connection = http.client.HTTPConnection(address, 80, timeout=10)
    last = 0
    while True:
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        if answer.status != last:
            last = answer.status
            print(time.monotonic(), last, flush=True)
        time.sleep(PAUSE)  # reason: to leave the machine to what is measured


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

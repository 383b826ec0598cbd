"""Running nft, iptables and ip: argument lists and standard input, never a shell."""

import subprocess
from collections.abc import Callable, Sequence

import attrs

TIMEOUT = 30.0  # seconds; the slowest is waiting for another program's xtables lock
NOT_FOUND = 127  # as shells say it
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


@attrs.frozen
class Ran:
    """What a program answered."""

    status: int
    output: str = ""
    errors: str = ""

    @property
    def missing(self) -> bool:
        """Tell whether the program is not installed."""
        return self.status == NOT_FOUND

    @property
    def reason(self) -> str:
        """Give the first line of its complaint."""
        lines = [line.strip() for line in (self.errors or self.output).splitlines() if line.strip()]
        return lines[0] if lines else f"exit status {self.status}"


Runner = Callable[[Sequence[str], str], Ran]
"""Runs a program with arguments and standard input to its end."""


def run(arguments: Sequence[str], standard_input: str) -> Ran:
    """Run a program; a missing one answers status 127, one that hangs is killed after 30 seconds and answers 124."""
    try:
        done = subprocess.run(
            list(arguments), input=standard_input, capture_output=True, text=True, errors="replace", timeout=TIMEOUT, check=False,
            env={"PATH": PATH, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        return Ran(NOT_FOUND, errors=f"{arguments[0]}: not found")
    except PermissionError:
        return Ran(126, errors=f"{arguments[0]}: not permitted")
    except subprocess.TimeoutExpired:
        return Ran(124, errors=f"{arguments[0]}: no answer within {TIMEOUT:g} s")
    return Ran(done.returncode, done.stdout, done.stderr)

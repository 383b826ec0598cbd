"""What a program answered; running real ones is in the integration tests."""

import pytest

from meshd.capture.commands import Ran, run


@pytest.mark.parametrize(("ran", "reason"), [
    (Ran(1, "out", "\n  Error: syntax\nmore"), "Error: syntax"),
    (Ran(2, "said on stdout\n"), "said on stdout"),
    (Ran(3), "exit status 3"),
])
def test_reason(ran: Ran, reason: str) -> None:
    """The first line that says something, complaints before output."""
    assert reason == ran.reason


def test_a_program_that_is_not_there() -> None:
    """No exception: a missing program is an expected outcome."""
    ran = run(["meshd-no-such-program", "$(reboot)"], "")
    assert ran.missing
    assert "meshd-no-such-program: not found" == ran.reason

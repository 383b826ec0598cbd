"""What operators are built of."""

from meshd.telemetry.log_values import Surroundings, never, plain, text
from tests.helpers.log_samples import http

NOWHERE = Surroundings()


def test_operators_without_argument():
    """An argument is told of; an empty text is absent, and texts come as bytes."""
    assert (418, "") == _built(plain(lambda logged: logged.status), "")
    assert (418, "expected no argument") == _built(plain(lambda logged: logged.status), "x")
    assert (b"caf\xc3\xa9", "") == _built(text(lambda logged: "caf\u00e9"), "")
    assert (None, "") == _built(text(lambda logged: ""), "")


def test_operators_that_have_no_value():
    """With the reason, if there is one."""
    assert [(None, ""), (None, "not yet")] == [_built(never(), "x"), _built(never("not yet"), "")]


def _built(build, argument):
    get, problem = build(argument, NOWHERE)
    return get(http()), problem

"""Whose connections are never captured."""

import pytest

from meshd.base.errors import ConfigurationError
from meshd.capture.identity import find_gid, find_uid, own_identity
from meshd.capture.rules import Identity


def with_user(name: str) -> tuple[int, int]:
    """Be a machine with the package's user."""
    return {"meshd": (998, 997), "svc": (500, 501), "root": (0, 0)}[name]


def without_user(name: str) -> tuple[int, int]:
    """Be a machine without."""
    raise KeyError(name)


def test_the_packages_user() -> None:
    """Without a word, it is the user that the package creates."""
    assert Identity(998, 997) == own_identity("", with_user)


def test_istios_number_without_a_user() -> None:
    """Without such a user it is 1337, as in Istio."""
    assert Identity(1337, 1337) == own_identity("", without_user)


@pytest.mark.parametrize(("user", "expected"), [("svc", Identity(500, 501)), ("2000", Identity(2000, 2000))])
def test_a_user_of_the_operators_choice(user: str, expected: Identity) -> None:
    """A name is looked up, a number needs no entry."""
    assert expected == own_identity(user, with_user)


@pytest.mark.parametrize("user", ["ghost", "0", "root", "-1", "4294967295", "9" * 5000, "1337 ", "$(id)", "²"])
def test_refuses_other_users(user: str) -> None:
    """Root above all: its own connections are to be captured."""
    with pytest.raises(ConfigurationError, match="user: expected"):
        own_identity(user, with_user)


def test_looks_names_up_on_this_machine() -> None:
    """Root exists everywhere."""
    assert (0, 0) == (find_uid("root"), find_gid("root"))

"""Ids, capabilities, limits: in a child, since there is no way back."""

import os
import resource
import subprocess
import sys

import pytest

from meshd.tap import privileges
from meshd.tap.privileges import drop_privileges, raise_descriptor_limit
from tests.helpers.source_tree import ROOT


def in_a_child(program: str) -> str:
    """Run a program in a process of its own; give what it prints."""
    lines = f"from meshd.tap.privileges import *; import os; {program}"
    return subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(ROOT)}).stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_there_is_no_way_back():
    """All three ids change, groups and capabilities go."""
    program = "drop_privileges(65534, 65534); print(os.getresuid(), os.getresgid(), os.getgroups(), open('/proc/self/status').read())"
    said = in_a_child(program)
    assert said.startswith("(65534, 65534, 65534) (65534, 65534, 65534) []")
    assert "CapEff:\t0000000000000000" in said
    assert "CapPrm:\t0000000000000000" in said


def test_groups_go_first_and_the_user_last(monkeypatch):
    """In another order the later steps would not be permitted."""
    called: list[object] = []
    for name in ("setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, lambda *ids, name=name: called.append((name, *ids)))
    drop_privileges(7, 8)
    assert [("setgroups", []), ("setresgid", 8, 8, 8), ("setresuid", 7, 7, 7)] == called


def test_no_new_privileges():
    """The kernel confirms it."""
    assert "NoNewPrivs:\t1" in in_a_child("refuse_new_privileges(); print(open('/proc/self/status').read())")


def test_the_descriptor_limit_is_raised_as_far_as_it_goes(monkeypatch):
    """Soft to hard; where that is refused, it stays."""
    limits, refused = [(10, 20)], []
    monkeypatch.setattr(resource, "getrlimit", lambda what: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda what, wanted: limits.append(wanted))
    assert (20, (20, 20)) == (raise_descriptor_limit(), limits[-1])

    def refuse(what, wanted):
        refused.append(wanted)
        raise ValueError("not allowed to raise maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    limits[:] = [(10, 20)]
    assert (10, [(20, 20)]) == (raise_descriptor_limit(), refused)


def test_a_kernel_that_refuses(monkeypatch):
    """Is an error, not a silent gap."""
    class Libc:
        def prctl(self, *arguments):
            return -1

    monkeypatch.setattr(privileges.ctypes, "CDLL", lambda name, use_errno: Libc())
    with pytest.raises(OSError, match="PR_SET_NO_NEW_PRIVS"):
        privileges.refuse_new_privileges()

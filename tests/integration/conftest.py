"""What every integration test must leave as it was: this machine's own kernel rules."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest


def rules_of_ours() -> list[str]:
    """Return the lines of this machine's rules that name meshd; empty where they cannot be read."""
    if os.geteuid() != 0:
        return []
    lines: list[str] = []
    for command in (("nft", "list", "ruleset"), ("iptables-save",), ("ip6tables-save",)):
        if shutil.which(command[0]):
            lines += subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    return [line for line in lines if "meshd" in line.lower()]


@pytest.fixture(autouse=True)
def _rules_stay_as_they_are() -> Iterator[None]:
    """Fail a test that captures connections of the machine itself, or leaves rules behind; its own network namespaces may have any."""
    before = rules_of_ours()
    yield
    assert before == rules_of_ours()

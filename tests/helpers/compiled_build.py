"""
A pytest plugin for running unit tests on the compiled build: tests whose stand-ins compiled code does not take are skipped.

Compiled code checks what it is given: an object that only looks like a stream's owner is a TypeError there, which says nothing of the code.
"""

import re
from collections.abc import Generator

import pytest

STAND_IN = re.compile(r"object expected; got tests\.|interpreted classes cannot inherit from compiled")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Make a skip of a refused stand-in."""
    report = yield
    if call.excinfo is not None and call.excinfo.errisinstance(TypeError) and STAND_IN.search(str(call.excinfo.value)):
        report.outcome = "skipped"
        report.longrepr = (str(item.path), item.location[1] or 0, "Skipped: a stand-in that only the Python files take")
    return report

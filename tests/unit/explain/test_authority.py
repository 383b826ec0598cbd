"""What is taken off a request's authority."""

import pytest

from meshd.explain.answer import Answer
from meshd.explain.authority import shorten_authority
from meshd.explain.call import Call
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.tables.headers.authority import build_shorten


@pytest.mark.parametrize("port", ["", "any", "matching"])
@pytest.mark.parametrize("dot", [False, True])
@pytest.mark.parametrize(
    "authority", ["a.test", "a.test.", "a.test:80", "a.test.:80", "a.test:81", "a.test.:x", "[::1]:80", "[::1]", "a:", "", ":80", "."],
)
def test_shortens_as_workers_do(port, dot, authority):
    """The plain reading and the tables agree; what is changed is told."""
    answer = Answer()
    manager = HttpConnectionManager("x", strip_host_port=port, strip_trailing_host_dot=dot)
    found = shorten_authority(manager, Call(port=80, authority=authority), answer).authority
    shorten = build_shorten(port, dot)
    assert (shorten(authority.encode(), 80).decode() if shorten is not None else authority) == found
    assert [f"{authority} is shortened to {found}"] * (found != authority) == [step.why for step in answer.steps]

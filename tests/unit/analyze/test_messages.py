"""Tests of the kinds of messages."""

import pytest

from meshd.analyze import messages
from meshd.analyze.messages import MOST_NAMED, PORT_REQUIRED, Message, finding, labels_text, listed, named, quoted
from meshd.base.origins import Origin

ALL = [value for value in vars(messages).values() if isinstance(value, Message)]


def test_each_code_stands_once():
    """No two kinds share a code or a name."""
    assert len(ALL) == len({message.code for message in ALL}) == len({message.name for message in ALL})


def test_a_finding_becomes_a_problem():
    """The template is filled, the field gets its line, and what to do comes from the kind unless it is given."""
    origin = Origin("a.yaml", 3, "VirtualService", "default", "web")
    plain = finding(origin, PORT_REQUIRED, quoted("web"), listed([80, 90]), path=("spec", "http", 0))
    problem = plain.to_problem(lambda path: 7)
    assert (
        'a.yaml:7 (VirtualService default/web): spec.http[0]: This VirtualService routes to a service "web" that exposes multiple ports '
        "[80 90]. Specifying a port in the destination is required to disambiguate; add port.number to the destination"
    ) == str(problem)
    assert ("IST0112", "error", 7) == (problem.code, problem.severity, problem.line)
    assert "other" == finding(origin, PORT_REQUIRED, "", "", hint="other").hint
    assert 0 == finding(origin, PORT_REQUIRED, "", "").to_problem(lambda path: 7).line


@pytest.mark.parametrize(
    ("text", "expected"),
    [(quoted('a"b'), '"a\\"b"'), (listed("ab"), "[a b]"), (named(["a", "b"]), "a,b"), (labels_text({"b": "2", "a": "1"}), "a=1,b=2")],
)
def test_writes_values_as_istio_does(text, expected):
    """Texts in quotes, lists in brackets, selectors sorted."""
    assert expected == text


def test_cuts_long_lists():
    """A long list of names ends with its length."""
    assert "0,1,2,3,4,5,6,7,8,9,... (5000 in all)" == named(range(MOST_NAMED * 500))

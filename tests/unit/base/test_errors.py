"""Problems as their readers see them."""

import pytest

from meshd.base.errors import CaptureError, ConfigurationError, MeshError, Problem, WireError, has_errors
from meshd.base.origins import Origin

REVIEWS = Origin("mesh/reviews.yaml", 14, "VirtualService", "default", "reviews")
ERROR = Problem(Origin("a.yaml", 3, "Service", "default", "x"), "expected 1, got 2", "spec.port", "write 1", line=7, code="IST0106")
WARNING = Problem(Origin("a.yaml", 3), "odd", severity="warning")


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (Problem(REVIEWS, "expected a name"), "mesh/reviews.yaml:14 (VirtualService default/reviews): expected a name"),
        (
            Problem(REVIEWS, "expected 0 to 100, got 120", "http[0].route[1].weight", "weights of one rule add up to 100", line=22),
            "mesh/reviews.yaml:22 (VirtualService default/reviews): http[0].route[1].weight: "
            "expected 0 to 100, got 120; weights of one rule add up to 100",
        ),
        (Problem(Origin("broken.yaml", 3), "expected a mapping, got a list"), "broken.yaml:3: expected a mapping, got a list"),
    ],
)
def test_says_where_what_and_what_to_do(problem, expected):
    """The text has file:line, resource, field, message and hint; the field's own line wins over the document's."""
    assert expected == str(problem)


def test_a_problem_is_an_error_unless_said_otherwise():
    """Nothing is let through by forgetting to say how bad it is."""
    assert "error" == Problem(REVIEWS, "expected a name").severity


def test_json():
    """Every part by itself, and the line for people."""
    expected = {
        "severity": "error", "text": "a.yaml:7 (Service default/x): spec.port: expected 1, got 2; write 1", "file": "a.yaml", "line": 7,
        "resource": "Service default/x", "field": "spec.port", "message": "expected 1, got 2", "hint": "write 1", "code": "IST0106",
    }
    assert expected == ERROR.to_json()
    assert 3 == WARNING.to_json()["line"]


@pytest.mark.parametrize(("problems", "expected"), [([], False), ([WARNING], False), ([WARNING, ERROR], True)])
def test_only_errors_count(problems, expected):
    """A warning is no failure."""
    assert expected == has_errors(problems)


@pytest.mark.parametrize("error", [CaptureError, ConfigurationError, WireError])
def test_every_exception_is_ours(error):
    """One `except MeshError` at a boundary catches all that meshd raises on purpose."""
    assert issubclass(error, MeshError)

"""Answers in a row decide."""

import pytest

from meshd.registry.health import Health


@pytest.mark.parametrize(
    ("thresholds", "answers", "changes"),
    [
        ((1, 1), "+", [True]),
        ((1, 1), "-", [False]),
        ((1, 1), "++--+", [True, False, True]),
        ((1, 3), "+--+---", [True, False]),
        ((2, 2), "+-+-+-", []),
        ((3, 1), "++-+++", [False, True]),
        ((1, 2), "+-----", [True, False]),
    ],
)
def test_only_changes_are_told(thresholds, answers, changes):
    """Another answer begins the count anew."""
    health = Health(*thresholds)
    assert changes == [health.healthy for answer in answers if health.take("" if answer == "+" else "bad")]


def test_the_last_bad_answer_is_kept_until_a_good_one():
    """It says why."""
    health = Health()
    assert (None, "") == (health.healthy, health.reason)
    health.take("refused")
    assert "refused" == health.reason
    health.take("")
    assert "" == health.reason

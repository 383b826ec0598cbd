"""Differences between wanted and found rules."""

import pytest

from meshd.capture.drift import Drift, compare_chains

WANTED = {"inbound": ["a", "b", "c"]}


@pytest.mark.parametrize(("found", "expected"), [
    ({"inbound": ["a", "b", "c"]}, []),
    ({}, ["x: chain inbound: is missing"]),
    ({"inbound": ["a", "c"]}, ["x: chain inbound rule 2: missing 'b'"]),
    ({"inbound": ["a", "evil", "b", "c"]}, ["x: chain inbound rule 2: unexpected 'evil'"]),
    ({"inbound": ["a", "B", "c"]}, ["x: chain inbound rule 2: missing 'b'", "x: chain inbound rule 2: unexpected 'B'"]),
    ({"inbound": ["b", "a", "c"]}, ["x: chain inbound rule 1: unexpected 'b'", "x: chain inbound rule 2: missing 'b'"]),
    ({"inbound": []}, ["x: chain inbound rule 1: missing 'a'", "x: chain inbound rule 2: missing 'b'", "x: chain inbound rule 3: missing 'c'"]),
    ({"inbound": ["a", "b", "c"], "set extra": []}, ["x: chain set extra: is not ours to have"]),
])
def test_differences(found: dict[str, list[str]], expected: list[str]) -> None:
    """Each missing and each unexpected rule, with its place; order counts."""
    assert expected == [str(drift) for drift in compare_chains("x", WANTED, found)]


def test_text_without_a_place() -> None:
    """What concerns a backend as a whole has no place."""
    assert "nftables: is gone" == str(Drift("nftables", "", "is gone"))

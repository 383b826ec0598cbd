"""Selectors."""

import random

import pytest

from meshd.base.labels import LabelIndex, selects


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        ({}, {}, True),
        ({}, {"app": "nginx"}, True),
        ({"app": "nginx"}, {"app": "nginx", "version": "v1"}, True),
        ({"app": "nginx"}, {"app": "apache"}, False),
        ({"app": "nginx"}, {}, False),
        ({"app": ""}, {}, False),
        ({"app": ""}, {"app": ""}, True),
        ({"app": "nginx", "version": "v1"}, {"app": "nginx"}, False),
    ],
)
def test_every_label_must_be_there(selector, labels, expected):
    """An empty selector takes all; an absent label is not an empty one."""
    assert expected == selects(selector, labels)


def test_an_index_selects_as_a_look_at_each_does():
    """In order; an empty selector selects all."""
    chance = random.Random(3)
    things = [{key: chance.choice("12") for key in "abc" if chance.random() < 0.7} for _ in range(60)]
    index = LabelIndex(things, lambda labels: labels)
    selectors = [{key: chance.choice("123") for key in "abcd" if chance.random() < 0.4} for _ in range(60)]
    for selector in ({}, *selectors):
        assert [labels for labels in things if selects(selector, labels)] == list(index.selected(selector))

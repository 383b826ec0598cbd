"""Selectors."""

import pytest

from meshd.base.labels import selects


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

"""Where resources come from, in words."""

import pytest

from meshd.base.origins import Origin


@pytest.mark.parametrize(
    ("origin", "place", "resource", "whole"),
    [
        (Origin("a.yaml", 3, "Service", "default", "web"), "a.yaml:3", "Service default/web", "a.yaml:3 (Service default/web)"),
        (Origin("a.yaml", 3, "Node", "", "vm-1"), "a.yaml:3", "Node vm-1", "a.yaml:3 (Node vm-1)"),
        (Origin("a.yaml", 3, "Service"), "a.yaml:3", "Service", "a.yaml:3 (Service)"),
        (Origin("a.yaml", 3), "a.yaml:3", "", "a.yaml:3"),
        (Origin("defaults"), "defaults", "", "defaults"),
        (Origin("kubernetes", 0, "Service", "default", "web"), "kubernetes", "Service default/web", "kubernetes (Service default/web)"),
    ],
)
def test_names_place_and_resource(origin, place, resource, whole):
    """Whatever is unknown is left out."""
    assert place == origin.place
    assert resource == origin.resource
    assert whole == str(origin)

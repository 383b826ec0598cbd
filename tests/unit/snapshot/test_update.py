"""From one snapshot to the next."""

import attrs
import pytest

from meshd.base.errors import WireError
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.snapshot import PARTS, NodeReference, Snapshot
from meshd.snapshot.update import PartUpdate, Update, apply_update, find_changes

NODE = NodeReference("n")
ONE = Snapshot(NODE, clusters={"a": Cluster("a", "EDS"), "b": Cluster("b", "EDS")})
TWO = Snapshot(NODE, clusters={"b": Cluster("b", "STATIC"), "c": Cluster("c", "EDS")})


def versions(number: int, **other: int) -> dict[str, str]:
    """Give a version for each part."""
    return {part: str(other.get(part, number)) for part in PARTS}


def test_everything_is_new_to_one_who_has_nothing():
    """A first update replaces every part."""
    update = find_changes(None, ONE, {}, versions(1))
    assert {part: PartUpdate("1", "", dict(getattr(ONE, part))) for part in PARTS} == update.parts


def test_only_changed_resources_travel():
    """What is equal stays at home, parts of the same version too."""
    expected = {"clusters": PartUpdate("2", "1", {"b": TWO.clusters["b"], "c": TWO.clusters["c"]}, ("a",))}
    assert expected == find_changes(ONE, TWO, versions(1), versions(1, clusters=2)).parts


@pytest.mark.parametrize(("before", "had"), [(None, {}), (ONE, versions(1)), (ONE, {}), (ONE, versions(1, clusters=7))])
def test_applying_the_changes_gives_the_new_snapshot(before, had):
    """Whatever the receiver had, it has the new snapshot and its versions afterwards."""
    update = find_changes(before, TWO, had, versions(2))
    assert (TWO, versions(2)) == apply_update(before, had, update)


def test_an_update_of_another_base_is_refused():
    """Changes to a version that is not here cannot be applied."""
    update = find_changes(ONE, TWO, versions(1), versions(2))
    with pytest.raises(WireError, match="the update applies to version 1, version 3 is here"):
        apply_update(ONE, versions(3), update)


def test_the_given_snapshot_stays_as_it_is():
    """Values are never changed in place."""
    before = attrs.evolve(ONE, clusters=dict(ONE.clusters))
    apply_update(before, versions(1), Update(NODE, {"clusters": PartUpdate("2", "1", {}, ("a", "absent"))}))
    assert before == ONE

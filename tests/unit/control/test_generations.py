"""Numbering snapshots, and keeping them on disk."""

import os

import attrs
import pytest

from meshd.control.generations import KEPT, Generation, GenerationStore, next_generation
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.snapshot import PARTS, NodeReference, Snapshot

ONE = Snapshot(NodeReference("n"), clusters={"a": Cluster("a", "EDS")})
TWO = attrs.evolve(ONE, clusters={"a": Cluster("a", "STATIC")})


def test_the_first_generation_is_number_one():
    """Every part is of its version."""
    assert Generation(1, ONE, dict.fromkeys(PARTS, "1-x")) == next_generation(None, ONE, "x")


def test_only_changed_parts_get_a_new_version():
    """What is equal keeps the version that workers know."""
    first = next_generation(None, ONE, "x")
    expected = Generation(2, TWO, {**dict.fromkeys(PARTS, "1-x"), "clusters": "2-y"})
    assert expected == next_generation(first, TWO, "y")


def test_an_equal_snapshot_is_no_new_generation():
    """Nothing is pushed when nothing changes."""
    first = next_generation(None, ONE, "x")
    assert next_generation(first, attrs.evolve(ONE, clusters=dict(ONE.clusters)), "x") is None


def test_another_node_is_a_new_generation():
    """Who the snapshot is for counts too."""
    first = next_generation(None, ONE, "x")
    assert next_generation(first, attrs.evolve(ONE, node=NodeReference("m")), "x").versions == first.versions


def generation(number: int) -> Generation:
    """Give a generation with a number."""
    return Generation(number, ONE, dict.fromkeys(PARTS, f"{number}-x"))


def test_an_empty_store_has_nothing(tmp_path):
    """A first start finds no generation."""
    assert GenerationStore(tmp_path).load() is None


def test_the_newest_is_loaded_and_old_ones_are_forgotten(tmp_path):
    """Some are kept, by number and not by name."""
    store = GenerationStore(tmp_path)
    for number in range(1, KEPT + 4):
        store.save(generation(number))
    assert generation(KEPT + 3) == store.load()
    assert list(range(4, KEPT + 4)) == store.numbers()


def test_tells_when_one_was_saved(tmp_path):
    """By its file's time; one that is not there has none."""
    store = GenerationStore(tmp_path)
    store.save(generation(7))
    os.utime(tmp_path / "0000000007.meshd", (1.0, 1234.5))
    assert [1234.5, 0.0] == [store.saved_at(number) for number in (7, 8)]


@pytest.mark.parametrize("garbage", [b"", b"{}", b"\x80\x04N.", b'{"schema":1,"node":{"name":"n"},"parts":{},"resources":0}'])
def test_garbage_is_passed_over(tmp_path, garbage):
    """A file that was cut short or is of another program does not stop the start."""
    store = GenerationStore(tmp_path)
    store.save(generation(1))
    (tmp_path / "0000000002.meshd").write_bytes(garbage)
    (tmp_path / "notes.meshd").write_bytes(b"x")
    (tmp_path / "0000000003.draft").write_bytes(b"x")
    assert generation(1) == store.load()


def test_nobody_else_may_read_it(tmp_path):
    """Generations will hold keys."""
    GenerationStore(tmp_path).save(generation(1))
    assert [0o600] == [path.stat().st_mode & 0o777 for path in tmp_path.iterdir()]


def test_a_missing_directory_is_told(tmp_path):
    """Saving raises what the caller logs."""
    with pytest.raises(OSError, match="No such file"):
        GenerationStore(tmp_path / "absent").save(generation(1))

"""Files that are whole or not there."""

import pytest

from meshd.registry.files import read_json, write_file, write_json


def test_writes_and_reads(tmp_path):
    """Into folders that it makes; only the owner may look."""
    path = tmp_path / "a" / "b.json"
    write_json(path, {"x": [1]})
    write_json(path, {"x": [2]})
    assert ({"x": [2]}, 0o600, ["b.json"]) == (read_json(path), path.stat().st_mode & 0o777, [found.name for found in path.parent.iterdir()])


def test_a_failure_leaves_what_was(tmp_path):
    """A draft that cannot be written takes nothing's place."""
    path = tmp_path / "a"
    write_file(path, b"old")
    with pytest.raises(TypeError):
        write_json(path, object())
    assert b"old" == path.read_bytes()


def test_what_is_no_json_is_a_value_error(tmp_path):
    """However deep it is."""
    for content in (b"{", b"[" * 100_000, b"\xff"):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(ValueError, match=r".+"):
            read_json(tmp_path / "a")

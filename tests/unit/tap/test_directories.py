"""meshd's own directories."""

import os

import pytest

from meshd.base.errors import ConfigurationError
from meshd.tap.directories import give_directory, lock_run_directory, make_directory, make_shared_memory


def test_missing_directories_are_made_with_their_mode(tmp_path):
    """Whatever the umask, parents too; an existing one keeps its own."""
    before = os.umask(0o077)
    try:
        make_directory(tmp_path / "a" / "b", 0o751)
        make_directory(tmp_path / "a" / "b", 0o700)
    finally:
        os.umask(before)
    assert 0o751 == (tmp_path / "a" / "b").stat().st_mode & 0o777


@pytest.mark.parametrize(("name", "said"), [("file", "expected a directory that can be made: File exists"), ("file/below", "Not a directory")])
def test_what_is_in_the_way_is_named(tmp_path, name, said):
    """With the path."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=f"{tmp_path}/{name}: .*{said}"):
        make_directory(tmp_path / name, 0o700)


def test_a_directory_that_cannot_be_written_to(tmp_path, monkeypatch):
    """Somebody else's."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigurationError, match="expected a directory that this user"):
        make_directory(tmp_path, 0o700)


def test_giving_sets_owner_and_mode(tmp_path):
    """To whom it belongs already is always permitted."""
    give_directory(tmp_path, os.getuid(), os.getgid(), 0o711)
    assert 0o711 == tmp_path.stat().st_mode & 0o777


def test_giving_to_unmapped_ids(tmp_path, monkeypatch):
    """As in a user namespace that does not know them."""
    def refuse(path, uid, gid):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "chown", refuse)
    said = "cannot be given to uid 1337, gid 1337: Invalid argument; in a user namespace these ids must be mapped"
    with pytest.raises(ConfigurationError, match=said):
        give_directory(tmp_path, 1337, 1337, 0o750)


def test_one_daemon_in_a_directory(tmp_path):
    """The second is refused until the first is gone; the lock's file may be removed while it is held."""
    first = lock_run_directory(tmp_path)
    with pytest.raises(ConfigurationError, match=f"{tmp_path}: another meshd runs here"):
        lock_run_directory(tmp_path)
    (tmp_path / "lock").unlink()
    second = lock_run_directory(tmp_path)
    os.close(first)
    with pytest.raises(ConfigurationError, match="another meshd"):
        lock_run_directory(tmp_path)
    os.close(second)
    os.close(lock_run_directory(tmp_path))


def test_a_directory_that_is_not_there(tmp_path):
    """Nothing to lock."""
    with pytest.raises(ConfigurationError, match="No such file"):
        lock_run_directory(tmp_path / "absent")


def test_a_lock_file_that_is_removed_meanwhile(tmp_path, monkeypatch):
    """Between opening and locking: the next file counts."""
    real, opened = os.open, []

    def open_and_remove(path, *arguments):
        opened.append(real(path, *arguments))
        if len(opened) == 1:
            path.unlink()
        return opened[-1]

    monkeypatch.setattr(os, "open", open_and_remove)
    locked = lock_run_directory(tmp_path)
    assert (2, locked) == (len(opened), opened[1])
    os.close(locked)


def test_shared_memory(tmp_path):
    """A file of a size, which the workers' group may write to; one that is there stays where it is used, unless it is of another size."""
    path = tmp_path / "shared"
    make_shared_memory(path, 64, os.getegid(), used=False)
    assert (64, 0o660) == (path.stat().st_size, path.stat().st_mode & 0o777)
    path.write_bytes(b"x" * 64)
    make_shared_memory(path, 64, os.getegid(), used=True)
    assert b"x" * 64 == path.read_bytes()
    make_shared_memory(path, 64, os.getegid(), used=False)
    assert bytes(64) == path.read_bytes()
    make_shared_memory(path, 32, os.getegid(), used=True)
    assert bytes(32) == path.read_bytes()


def test_shared_memory_follows_no_link(tmp_path):
    """Who can write to the directory does not choose the file."""
    (tmp_path / "other").write_bytes(bytes(64))
    (tmp_path / "shared").symlink_to("other")
    with pytest.raises(ConfigurationError, match="expected a file that can be made"):
        make_shared_memory(tmp_path / "shared", 64, os.getegid(), used=True)

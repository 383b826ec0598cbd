"""Which files of a directory are read, and how files are read without ever waiting."""

import os
import socket

import pytest

from meshd.sources.documents import MAX_FILE_BYTES
from meshd.sources.files import Tree, fault_of, file_problem, is_configuration, read_file, scan, signature_of


def scanned(root: object) -> Tree:
    """Scan a directory to the end."""
    tree = Tree()
    for _ in scan(str(root), tree):
        pass
    return tree


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.yaml", True), ("a.yml", True), ("a.json", True), ("a.b.yaml", True), ("ä b.yaml", True), ("#a.yaml", True),
        ("a.yaml~", False), (".a.yaml", False), (".a.yaml.swp", False), ("a.yaml.swp", False), ("#a.yaml#", False), (".#a.yaml", False),
        ("a.test.yaml", False), ("a.test.yml", False), ("a.test.json", False), ("4913", False), ("a.yaml.tmp", False), ("a.YAML", False),
        ("a", False), ("yaml", False), (".yaml", False), ("a.yaml___jb_tmp___", False), ("a.yaml.bak", False), ("a.txt", False),
    ],
)  # fmt: skip
def test_chooses_files_by_name(name, expected):
    """Hidden files, back-ups, editors' temporary files and tests are not read."""
    assert expected == is_configuration(name)


def test_scans_folders_and_follows_links(tmp_path):
    """Files below folders and behind links count; names are relative, folders are listed for watching."""
    (tmp_path / "conf" / "b" / "c").mkdir(parents=True)
    (tmp_path / "conf" / ".git").mkdir()
    (tmp_path / "conf" / ".git" / "x.yaml").write_text("a: 1")
    (tmp_path / "elsewhere").mkdir()
    for name in ("conf/z.yaml", "conf/b/y.json", "conf/b/c/x.yml", "conf/b/notes.txt", "elsewhere/w.yaml"):
        (tmp_path / name).write_text("a: 1")
    (tmp_path / "conf" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "conf" / "v.yaml").symlink_to("z.yaml")
    tree = scanned(tmp_path / "conf")
    assert ["b/c/x.yml", "b/y.json", "link/w.yaml", "v.yaml", "z.yaml"] == sorted(tree.files)
    assert tree.files["v.yaml"] == tree.files["z.yaml"] == signature_of(os.stat(tmp_path / "conf" / "z.yaml"))
    assert [str(tmp_path / part) for part in ("conf", "conf/b", "conf/b/c", "conf/link")] == sorted(tree.folders)
    assert ([], []) == (tree.problems, tree.unread)


def test_loops_of_links_end(tmp_path):
    """A folder within itself is told of and left out."""
    (tmp_path / "a.yaml").write_text("a: 1")
    (tmp_path / "loop").symlink_to(tmp_path)
    tree = scanned(tmp_path)
    assert ["a.yaml"] == list(tree.files)
    assert ["loop: expected a folder that is not within itself, got a loop"] == [str(problem) for problem in tree.problems]


def test_odd_files_are_named_and_not_opened(tmp_path):
    """FIFOs, sockets, dangling links, files that everybody may change, names with line ends."""
    os.mkfifo(tmp_path / "fifo.yaml")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "s.yaml"))
        (tmp_path / "gone.yaml").symlink_to("nowhere")
        (tmp_path / "open.yaml").write_text("a: 1")
        (tmp_path / "open.yaml").chmod(0o666)
        (tmp_path / "two\nlines.yaml").write_text("a: 1")
        tree = scanned(tmp_path)
    assert ["open.yaml"] == list(tree.files)
    assert ["gone.yaml"] == tree.unread
    assert [
        "fifo.yaml: expected a regular file, got a FIFO; it is ignored",
        "gone.yaml: expected a readable file, got no such file or directory; what was read of it before stays in use",
        "open.yaml: expected a file that only its owner can change, got one that everybody can; chmod o-w",
        "s.yaml: expected a regular file, got a socket; it is ignored",
        "two?lines.yaml: expected a printable file name, got an odd one; it is ignored",
    ] == [str(problem) for problem in tree.problems]


def test_a_missing_directory_is_told_of(tmp_path):
    """Nothing is raised; the directory itself counts as unread."""
    tree = scanned(tmp_path / "none")
    expected = f"{tmp_path}/none: expected a readable file or directory, got no such file or directory; what was read of it before stays in use"
    assert ([expected], [""], {}) == ([str(problem) for problem in tree.problems], tree.unread, tree.files)


def test_reads_a_file(tmp_path):
    """Content and signature belong together."""
    (tmp_path / "a.yaml").write_bytes(b"a: 1")
    assert (b"a: 1", signature_of(os.stat(tmp_path / "a.yaml"))) == read_file(str(tmp_path / "a.yaml"))


def test_reading_stops_past_the_limit(tmp_path):
    """An endless file costs no more than the longest that is accepted."""
    with (tmp_path / "a.yaml").open("wb") as file:
        file.truncate(MAX_FILE_BYTES * 3)
    assert MAX_FILE_BYTES + 1 == len(read_file(str(tmp_path / "a.yaml"))[0])


@pytest.mark.parametrize("kind", ["fifo", "folder", "missing", "device"])
def test_never_waits_for_what_is_no_file(tmp_path, kind):
    """What took a file's place between looking and opening is refused at once."""
    path = tmp_path / "a.yaml"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        path.symlink_to("/dev/zero")
    with pytest.raises(OSError) as caught:
        read_file(str(path))
    expected = {"missing": "no such file or directory"}.get(kind, "invalid argument")
    assert expected == fault_of(caught.value)
    assert "a.yaml: x; what was read of it before stays in use" == str(file_problem("a.yaml", "x"))

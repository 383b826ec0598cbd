"""Tests of documents as they are written."""

from meshd.base.origins import Origin
from meshd.model.service import Service
from meshd.sources.written import read_texts, read_written

GOOD = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  clusterIP: None\n  ports:\n  - port: 80\n"
BAD = GOOD.replace("port: 80", "port: eighty")


def test_reads_what_cannot_be_used_as_well():
    """With its Problem, and with defaults in the place of what is wrong."""
    written = read_texts({"a.yaml": BAD.encode()})
    (service,) = written.resources
    assert isinstance(service, Service) and [0] == [port.port for port in service.ports]
    assert ["spec.ports[0].port"] == [problem.field for problem in written.problems]


def test_what_can_be_used_goes_before_what_comes_first():
    """A resource stands once; the loser of two good ones is a Problem."""
    written = read_texts({"a.yaml": (BAD + "---\n" + GOOD + "---\n" + GOOD).encode()})
    assert [(9, 80)] == [(found.metadata.origin.line, found.ports[0].port) for found in written.resources if isinstance(found, Service)]
    assert ["spec.ports[0].port", "metadata.name"] == [problem.field for problem in written.problems]


def test_tells_the_line_of_any_field(tmp_path):
    """Of documents behind others, and of items of a list; 0 where the resource is from elsewhere."""
    items = "apiVersion: v1\nkind: List\nitems:\n- " + GOOD.replace("\n", "\n  ").rstrip() + "\n"
    (tmp_path / "a.yaml").write_text(GOOD.replace("web", "one") + "---\n" + items, "utf-8")
    written = read_written([str(tmp_path)])
    lines = {found.metadata.name: written.line_of(found.metadata.origin, ("spec", "ports", 0, "port")) for found in written.resources}
    assert {"one": 7, "web": 18} == lines
    assert 0 == written.line_of(Origin("other.yaml", 1), ("spec",))


def test_names_files_as_their_paths_are_given(tmp_path):
    """A file and a folder; what cannot be read is a Problem."""
    folder = tmp_path / "mesh"
    folder.mkdir()
    (folder / "a.yaml").write_text(GOOD, "utf-8")
    (tmp_path / "b.yaml").write_text(GOOD.replace("web", "api"), "utf-8")
    written = read_written([str(folder), str(tmp_path / "b.yaml"), str(tmp_path / "gone")])
    assert [str(tmp_path / "b.yaml"), str(folder / "a.yaml")] == [found.metadata.origin.file for found in written.resources]
    assert [str(tmp_path / "gone")] == [problem.origin.file.rstrip("/") for problem in written.problems]

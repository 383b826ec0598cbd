"""Documents with their verdicts to a World."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.control.ingest import DIRECTORY, KUBERNETES, Ingest
from meshd.model.drafts import Delivery
from meshd.model.endpoint_slice import EndpointSlice
from meshd.model.service import Service
from meshd.model.world import World
from tests.helpers.resources import drafts_of

GOOD = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {clusterIP: 10.0.0.%s, ports: [{port: 80}]}\n"
BAD = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {clusterIP: nonsense}\n"
BROKEN = "apiVersion: [\n"
LATER = "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: %s}\n"
WARNING = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {clusterIP: None, clusterip: None}\n"


def document(word: str) -> str:
    """Give a document's text: `a1` good with address 1, `a!` bad, `?` broken, `a~` not served, `a-` with a warning."""
    name, mark = word[0], word[1:]
    if word == "?":
        return BROKEN
    texts = {"!": BAD, "~": LATER, "-": WARNING}
    return texts[mark] % name if mark in texts else GOOD % (name, mark)


def file(words: str) -> str:
    """Give a file's text from words of documents."""
    return "---\n".join(document(word) for word in words.split())


class Ingesting:
    """An Ingest that is told of files in short."""

    def __init__(self) -> None:
        self.ingest = Ingest()

    def take(self, removed: tuple[str, ...] = (), **files: str) -> str:
        """Take files; return the services in use as `name=last digit of address@file:line`."""
        names = {name: f"{name}.yaml" for name in files}
        delivery = {names[name]: drafts_of(file(words), names[name]) for name, words in files.items()}
        world = self.ingest.take(Delivery(delivery, frozenset(f"{name}.yaml" for name in removed)))
        return " ".join(f"{found.metadata.name}={(found.cluster_ips or ('-',))[0][-1]}@{found.metadata.origin.place}" for found in world.all(Service))

    def verdicts(self) -> list[str]:
        """Return the verdicts as `place outcome: text`."""
        return [f"{verdict.origin.place} {verdict.outcome}: {verdict.text}" for verdict in self.ingest.verdicts()]


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        (["a1"], "a=1@f.yaml:1"),
        (["a1", "a2"], "a=2@f.yaml:1"),
        (["a1", "a!"], "a=1@f.yaml:1"),
        (["a1", "?"], "a=1@f.yaml:1"),
        (["a1", "?", "a!"], "a=1@f.yaml:1"),
        (["a1", "?", "?", "a3"], "a=3@f.yaml:1"),
        (["a!"], ""),
        (["?"], ""),
        (["a1", ""], ""),
        (["a1 b2", "a3"], "a=3@f.yaml:1"),
        (["a1 b2", "a3 b!"], "a=3@f.yaml:1 b=2@f.yaml:6"),
        (["a1 b2", "b! a3"], "a=3@f.yaml:6 b=2@f.yaml:6"),
        (["a1 b2", "a3 ?"], "a=3@f.yaml:1 b=2@f.yaml:6"),
        (["a1 b2", "? a3"], "a=3@f.yaml:3 b=2@f.yaml:6"),
        (["a1 b2", "?", "? ? ?", "a3 ? ?"], "a=3@f.yaml:1 b=2@f.yaml:6"),
        (["a1 b2", "c3 ?"], "b=2@f.yaml:6 c=3@f.yaml:1"),
        (["a1 b2 c3", "a4 ?"], "a=4@f.yaml:1 b=2@f.yaml:6 c=3@f.yaml:11"),
        (["a1 b2 c3", "a4 ? c5"], "a=4@f.yaml:1 b=2@f.yaml:6 c=5@f.yaml:8"),
        (["a1 b2 c3", "x9 a4 ? c5"], "a=4@f.yaml:6 b=2@f.yaml:6 c=5@f.yaml:13 x=9@f.yaml:1"),
        (["a1 b2", "a3 ?", "a3 b4"], "a=3@f.yaml:1 b=4@f.yaml:6"),
        (["a1 b2", "a3 ?", "a3"], "a=3@f.yaml:1"),
        (["a1 b2", "?", "? ?"], "a=1@f.yaml:1 b=2@f.yaml:6"),
        (["a1", "a~"], ""),
        (["a-"], "a=-@f.yaml:1"),
    ],
)
def test_a_bad_document_keeps_its_last_good_version(versions, expected):
    """Matched by its name, or by its position where the name cannot be read, or all that is missing where positions moved."""
    ingesting = Ingesting()
    found = ""
    for version in versions:
        found = ingesting.take(f=version)
    assert expected == found


def test_of_doubles_the_first_counts():
    """By file, then line; when it goes, the next one takes its place."""
    ingesting = Ingesting()
    assert "x=2@b.yaml:1" == ingesting.take(b="x2 x3")
    assert "x=1@a.yaml:1" == ingesting.take(a="x1")
    assert [
        "a.yaml:1 ok: ok",
        "b.yaml:1 duplicate: not used: a.yaml:1 is used instead",
        "b.yaml:6 duplicate: not used: a.yaml:1 is used instead",
    ] == ingesting.verdicts()
    expected = "expected each resource once, got Service default/x in a.yaml:1 too, which is used instead"
    assert [expected, expected] == [problem.message for problem in ingesting.ingest.problems()]
    assert "x=1@a.yaml:1" == ingesting.take(a="x!")
    assert "x=2@b.yaml:1" == ingesting.take(removed=("a",))
    assert "x=3@b.yaml:1" == ingesting.take(b="x3")
    assert "" == ingesting.take(removed=("b", "never-there"))
    assert [] == ingesting.ingest.problems()


def test_a_double_that_never_was_good_does_not_count():
    """The next one is used, the bad one is told of."""
    ingesting = Ingesting()
    assert "x=2@b.yaml:1" == ingesting.take(a="x!", b="x2")
    assert ["a.yaml:1 rejected: rejected: it never had a good version", "b.yaml:1 ok: ok"] == ingesting.verdicts()


def test_verdicts():
    """One for each document, and for each version that is kept without one."""
    ingesting = Ingesting()
    ingesting.take(f="a1 b2 c3 d~ e-")
    ingesting.take(f="a! ?")
    assert [
        "f.yaml:1 rejected: rejected: last good version of line 1 kept",
        "f.yaml:5 rejected: rejected: it never had a good version",
        "f.yaml:6 kept: kept: a document of its file cannot be read",
        "f.yaml:11 kept: kept: a document of its file cannot be read",
        "f.yaml:20 kept: kept: a document of its file cannot be read",
    ] == ingesting.verdicts()
    ingesting.take(f="d~ e-")
    assert [
        "f.yaml:1 ignored: ignored: AuthorizationPolicy is not served yet and has no effect",
        "f.yaml:5 warning: warning: expected a known field, got clusterip, which is ignored",
    ] == ingesting.verdicts()


def test_problems_come_by_place_with_those_of_the_source():
    """The source's replace those of its last delivery."""
    ingest = Ingest()
    trouble = Problem(Origin("b.yaml"), "trouble")
    ingest.take(Delivery({"c.yaml": drafts_of(BROKEN, "c.yaml"), "a.yaml": drafts_of(BROKEN, "a.yaml")}, problems=(trouble,)))
    assert ["a.yaml", "b.yaml", "c.yaml"] == [problem.origin.file for problem in ingest.problems()]
    ingest.take(Delivery())
    assert ["a.yaml", "c.yaml"] == [problem.origin.file for problem in ingest.problems()]


def test_more_than_one_mesh_is_told_of():
    """The first by name is used."""
    ingest = Ingest()
    text = "---\n".join(f"apiVersion: meshd.io/v1\nkind: Mesh\nmetadata: {{name: {name}}}\n" for name in ("b", "a"))
    ingest.take(Delivery({"m.yaml": drafts_of(text, "m.yaml")}))
    assert ["m.yaml:1 (Mesh b): expected one Mesh, got a in m.yaml:5 too, which is used; remove one of them"] == [
        str(problem) for problem in ingest.problems()
    ]


def test_the_world_is_the_same_where_nothing_counts():
    """So that nothing is compiled for a comment."""
    ingesting = Ingesting()
    ingesting.take(f="a1")
    before = ingesting.ingest.world
    for words in ("a1", "a!", "?", "a1 b~"):
        ingesting.take(f=words)
        assert before is ingesting.ingest.world
    assert World is type(before)


def test_subsets_of_endpoints_come_and_go():
    """One document may be several resources."""
    ingest = Ingest()
    text = "apiVersion: v1\nkind: Endpoints\nmetadata: {name: web}\nsubsets: [%s]\n"
    counts = []
    for subsets in ("{addresses: [{ip: 10.0.0.1}, {ip: '::2'}]}, {addresses: [{ip: 10.0.0.2}]}", "{addresses: [{ip: '::3'}]}", ""):
        world = ingest.take(Delivery({"e.yaml": drafts_of(text % subsets, "e.yaml")}))
        counts.append(len(world.all(EndpointSlice)))
    assert [3, 1, 0] == counts


WORDS = st.lists(st.sampled_from(["a1", "a2", "b1", "b3", "c1", "d~", "a-"]), max_size=3).map(" ".join)


@given(st.lists(st.tuples(st.sampled_from("fgh"), WORDS), max_size=8))
def test_only_the_end_counts_where_all_is_good(changes):
    """Whatever the order in which files came, the World is that of the last contents read at once."""
    step, last = Ingesting(), dict(changes)
    for name, words in changes:
        step.take(**{name: words})
    once = Ingesting()
    once.take(**last)
    assert (once.take(), once.verdicts(), once.ingest.problems()) == (step.take(), step.verdicts(), step.ingest.problems())


MIXED = st.lists(st.sampled_from(["a1", "a2", "b1", "a!", "b!", "?", "c~"]), max_size=3).map(" ".join)


@given(st.lists(st.tuples(st.sampled_from("fg"), MIXED), max_size=6), st.randoms())
def test_bad_documents_never_break_the_books(changes, random):
    """After any history, mending everything leaves exactly what the files say, and nothing of what was kept."""
    ingesting = Ingesting()
    for name, words in changes:
        ingesting.take(**{name: words})
        assert len(ingesting.ingest.world.all(Service)) == len({found.metadata.name for found in ingesting.ingest.world.all(Service)})
    ingesting.take(f="a1", g="b2")
    assert "a=1@f.yaml:1 b=2@g.yaml:1" == ingesting.take()
    ingesting.take(removed=("f", "g"))
    assert ([], []) == (list(ingesting.ingest.world), ingesting.verdicts())


def test_the_order_of_one_deliverys_files_means_nothing():
    """Dictionaries may come in any order."""
    contents = {"f": "a1 b1", "g": "a2 b!", "h": "c3 a3"}
    found = set()
    for order in itertools.permutations(contents):
        found.add(Ingesting().take(**{name: contents[name] for name in order}))
    assert {"a=1@f.yaml:1 b=1@f.yaml:6 c=3@h.yaml:1"} == found


def test_a_source_of_a_lower_rank_goes_first():
    """Whatever their files are called, and whoever came first; what is wrong with one source stays when another delivers."""
    ingest, problem = Ingest(), Problem(Origin("d"), "odd")
    ingest.take(Delivery({"a": drafts_of(document("a2"), "a")}), 1)
    ingest.take(Delivery({"z": drafts_of(document("a1"), "z")}, problems=(problem,)))
    ingest.take(Delivery({"a": drafts_of(document("a3"), "a")}), 1)
    [found] = ingest.world.all(Service)
    assert ("z", ["ok", "duplicate"]) == (found.metadata.origin.file, [verdict.outcome for verdict in ingest.verdicts()])
    assert problem in ingest.problems()
    [left] = ingest.take(Delivery(removed=frozenset({"z"}))).all(Service)
    assert "a" == left.metadata.origin.file


def test_the_directory_goes_before_an_api_server():
    """Whichever comes first, and until it is gone there; the other one is told of as a double."""
    def of(address):
        return f"10.0.0.{address}"

    for first in (DIRECTORY, KUBERNETES):
        ingest = Ingest()
        directory = Delivery({"z.yaml": drafts_of(document("a1"), "z.yaml")})
        server = Delivery({"kubernetes/Service/default/a": drafts_of(document("a2"), "kubernetes/Service/default/a")})
        for rank in (first, 1 - first):
            ingest.take(server if rank == KUBERNETES else directory, rank)
        assert [(of(1),)] == [found.cluster_ips for found in ingest.world.all(Service)]
        [problem] = ingest.problems()
        assert "kubernetes/Service/default/a:1 (Service default/a)" == str(problem.origin)
        assert "expected each resource once, got Service default/a in z.yaml:1 too, which is used instead" == problem.message
        ingest.take(Delivery(removed=frozenset({"z.yaml"})), DIRECTORY)
        assert ([(of(2),)], []) == ([found.cluster_ips for found in ingest.world.all(Service)], ingest.problems())


def test_sources_have_files_and_problems_of_their_own():
    """A name that both have means two things; what one is not able to do says nothing of the other."""
    ingest = Ingest()
    problem = Problem(Origin("kubernetes"), "away")
    ingest.take(Delivery({"x": drafts_of(document("a1"), "x")}))
    ingest.take(Delivery({"x": drafts_of(document("b2"), "x")}, problems=(problem,)), KUBERNETES)
    ingest.take(Delivery(removed=frozenset({"x"})))
    assert (["b"], [problem]) == ([found.metadata.name for found in ingest.world.all(Service)], ingest.problems())


def test_an_object_alone_is_one_step_of_the_world():
    """So that what follows costs what that one costs."""
    ingest = Ingest()
    ingest.take(Delivery({name: drafts_of(document(f"{name}1"), name) for name in "abc"}), KUBERNETES)
    before = ingest.world
    ingest.take(Delivery({"b": drafts_of(document("b2"), "b")}), KUBERNETES)
    assert ["b", "b"] == [found.metadata.name for found in ingest.world.since(before) or ()]

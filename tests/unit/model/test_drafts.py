"""Drafts: which are rejected, and which of doubles count."""

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.drafts import Delivery, Draft, Identity, duplicate_problem, own_only, pick_used
from tests.helpers.resources import drafts_of

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {clusterIP: 10.0.0.1, ports: [{port: 80}]}\n"


def test_only_errors_reject():
    """A warning leaves a document in use."""
    origin = Origin("a.yaml", 3)
    drafts = [Draft(origin, None, problems=(Problem(origin, "x", severity=severity),)) for severity in ("error", "warning", "info")]
    assert [True, False, False] == [draft.rejected for draft in drafts]
    assert [("a.yaml", 3)] * 3 == [draft.place for draft in drafts]


def test_the_first_of_doubles_counts():
    """By file, then line, whatever the order they come in; bad ones do not count."""
    bad = drafts_of(SERVICE % "a" + "bad: &x\nbad: 1\n", "a.yaml")
    good = (*drafts_of(SERVICE % "b" + "---\n" + SERVICE % "a", "b.yaml"), *drafts_of(SERVICE % "a", "c.yaml"))
    for drafts in ((*bad, *good), (*reversed(good), *bad)):
        used, problems = pick_used(drafts)
        assert ["b.yaml:1 (Service default/b)", "b.yaml:6 (Service default/a)"] == [str(draft.origin) for draft in used]
        assert ["a.yaml", "c.yaml"] == [problem.origin.file for problem in problems]
        assert duplicate_problem(good[2], good[1]) == problems[1]


def test_identities_have_an_order():
    """So that what is done for many is done in the same order everywhere."""
    assert Identity("", "A", "", "b") < Identity("", "B", "", "a") < Identity("x", "A", "", "a")


def test_an_empty_delivery_changes_nothing():
    """Its defaults say so."""
    assert Delivery({}, frozenset(), ()) == Delivery()


def test_own_kinds_alone_are_used_of_a_directory_beside_an_api_server():
    """The others are told of; what cannot be read at all stays as it is."""
    text = "apiVersion: meshd.io/v1\nkind: Mesh\nmetadata: {name: mesh}\n---\n" + SERVICE % "a" + "---\nbroken: [\n"
    before = Delivery({"a.yaml": drafts_of(text, "a.yaml")}, frozenset({"b.yaml"}), ())
    after = own_only(before)
    mesh, service, broken = after.files["a.yaml"]
    assert (mesh, broken) == (before.files["a.yaml"][0], before.files["a.yaml"][2])
    assert ((), False, before.removed) == (service.resources, service.rejected, after.removed)
    said = "a.yaml:5 (Service default/a): Service is not read of a directory where the Node's source is kubernetes; write [directory, kubernetes]"
    assert str(service.problems[0]).startswith(said)

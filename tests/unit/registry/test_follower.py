"""Following a registry."""


import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import MeshError
from meshd.registry.files import read_json
from meshd.registry.follower import WAIT, Follower

A, B = {"a": 1}, {"b": 1}


class Registry:
    """Notes questions, and answers when a test wants."""

    def __init__(self):
        self.asked = []
        self.answers = []

    def entries(self, run, after, wait):
        """Hear."""
        self.asked.append((run, after, wait))
        self.answers.append(Deferred())
        return self.answers[-1]


class FollowerTests(SynchronousTestCase):
    """One machine that follows."""

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path):
        """Work in a folder of its own."""
        self.folder = tmp_path

    def setUp(self):
        """Begin."""
        self.path = self.folder / "followed.json"
        self.clock = Clock()

    def begin(self):
        """Begin to follow."""
        self.registry, self.told = Registry(), []
        self.follower = Follower(self.clock, lambda: 1.0, self.registry, self.path, lambda changed: self.told.append(dict(changed)))
        self.follower.start()

    def answer(self, version, entries, whole=False, run="r1", grace=10):
        """Answer the last question."""
        self.registry.answers[-1].callback({"run": run, "version": version, "whole": whole, "grace": grace, "entries": entries})
        self.clock.advance(0.0)

    def test_all_then_each_change(self):
        """Told once each; the next question says what is known."""
        self.begin()
        self.answer(3, {"a": A, "b": B}, whole=True)
        self.answer(4, {"a": None, "c": None})
        self.answer(4, {})
        self.answer(9, {"b": A}, whole=True)
        self.assertEqual([{}, {"a": A, "b": B}, {"a": None}, {"b": A}], self.told)
        self.assertEqual([("", 0), ("r1", 3), ("r1", 4), ("r1", 4), ("r1", 9)], [asked[:2] for asked in self.registry.asked])
        self.assertEqual({WAIT}, {asked[2] for asked in self.registry.asked})
        self.follower.stop()

    def test_what_was_known_is_there_at_the_start(self):
        """Before the registry can be asked, and from there on."""
        self.begin()
        self.answer(3, {"a": A}, whole=True)
        self.follower.stop()
        self.begin()
        self.assertEqual(([{"a": A}], [("r1", 3, WAIT)]), (self.told, self.registry.asked))
        self.follower.stop()

    def test_it_is_written_a_second_after_a_change(self):
        """Changes in between go along."""
        self.begin()
        self.answer(3, {"a": A}, whole=True)
        self.answer(4, {"b": B})
        self.assertFalse(self.path.exists())
        self.clock.advance(1.0)
        self.assertEqual({"run": "r1", "version": 4, "entries": {"a": A, "b": B}}, read_json(self.path))
        self.follower.stop()

    def test_a_file_that_cannot_be_read_is_nothing(self):
        """The registry knows it all."""
        for content in ("{", "[]", '{"entries": 5, "run": 1, "version": 1}', '{"entries": {}}'):
            self.path.write_text(content)
            self.begin()
            self.assertEqual([{}], self.told)
            self.follower.stop()

    def test_a_registry_that_is_away_changes_nothing(self):
        """It is asked again and again, and what is wrong is known."""
        self.begin()
        self.answer(3, {"a": A}, whole=True)
        for pause in (0.1, 0.2):
            self.registry.answers[-1].errback(MeshError("refused"))
            self.assertEqual(("refused", {"a": A}), (self.follower.problem, self.follower.entries))
            self.clock.advance(pause)
        self.assertEqual(4, len(self.registry.asked))
        self.answer(3, {})
        self.assertEqual(("", 2), (self.follower.problem, len(self.told)))
        self.follower.stop()

    def test_answers_of_another_shape_change_nothing(self):
        """They are a problem like any other."""
        self.begin()
        self.answer(3, {"a": A}, whole=True)
        for answer in ({}, {"run": 1, "version": "x", "whole": 1, "grace": 1, "entries": {}},
                       {"run": 1, "version": 1, "whole": 1, "grace": 1, "entries": 7}):
            self.registry.answers[-1].callback(answer)
            self.assertEqual("expected entries, got an answer of another shape", self.follower.problem)
            self.clock.advance(5.0)
        self.assertEqual({"a": A}, self.follower.entries)
        self.follower.stop()

    def test_a_registry_that_lost_everything_has_a_grace_period(self):
        """Those that come back stay as they were; the others go then."""
        self.begin()
        self.answer(9, {"a": A, "b": B}, whole=True)
        self.answer(0, {}, whole=True, run="r2")
        self.assertEqual({"a": A, "b": B}, self.follower.entries)
        self.answer(1, {"a": A}, run="r2")
        self.clock.advance(10.0)
        self.assertEqual(([{}, {"a": A, "b": B}, {"b": None}], {"a": A}), (self.told, self.follower.entries))
        self.follower.stop()

    def test_stopping_leaves_nothing_behind(self):
        """Between questions, and within one."""
        self.begin()
        self.answer(9, {"a": A}, whole=True)
        self.follower.stop()
        self.assertEqual([], self.clock.getDelayedCalls())
        self.begin()
        self.registry.answers[-1].errback(MeshError("refused"))
        self.follower.stop()
        self.assertEqual([], self.clock.getDelayedCalls())

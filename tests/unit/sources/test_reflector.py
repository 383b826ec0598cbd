"""Keeping in step with one collection of an API server."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.sources.reflector import FIRST_DOUBT, FIRST_RETRY, LAST_RETRY, QUIET, SHORT, STEADY, WATCH_TIME, Collection, Reflector
from tests.helpers.fake_api_server import SERVICES, FakeApiServer, added, bookmark, deleted, error, modified, page, service

NOT_JSON = b'{"type": "ADDED", "object": {'


class ReflectorTests(SynchronousTestCase):
    """Lists and watches of a server that answers as each test has it."""

    def setUp(self):
        """Begin to list services."""
        self.server, self.clock, self.told, self.states = FakeApiServer(), Clock(), [], []
        self.clock.advance(1000)
        self.room = True
        self.reflector = Reflector(
            self.server, Collection(SERVICES, "v1", "Service"), self.clock, lambda: 0.5, self.note,
            lambda reflector: self.states.append((reflector.state, reflector.problem)), lambda: self.room,
        )
        self.addCleanup(lambda: self.assertEqual([], self.clock.getDelayedCalls()))
        self.addCleanup(self.reflector.stop)

    def note(self, key, event):
        """Note what is told: a name with its version, or that it is gone."""
        self.told.append((key[1], event.version if event is not None else None))

    def begin(self, *bodies, version=10):
        """Start, and have everything listed."""
        self.reflector.start()
        self.server.last.say(*map(added, bodies), bookmark(version, ends=True))

    def wait(self, seconds=2 * FIRST_RETRY):
        """Let time pass."""
        self.clock.advance(seconds)

    def test_streams_a_list_and_goes_on_watching(self):
        """Everything comes first, then a bookmark that says so, then changes, over one connection."""
        self.reflector.start()
        call = self.server.last
        self.assertEqual((SERVICES, "true", "true"), (call.path, call.query["sendInitialEvents"], call.query["allowWatchBookmarks"]))
        call.say(added(service("a", 3)))
        self.assertFalse(self.reflector.listed)
        call.say(bookmark(10, ends=True), modified(service("a", 11)), deleted(service("a", 12)))
        self.assertTrue(self.reflector.listed)
        self.assertEqual([("a", "3"), ("a", "11"), ("a", None)], self.told)
        self.assertEqual([("watching", "")], self.states)
        self.assertEqual(1, len(self.server.calls))

    def test_lists_by_pages_where_the_server_cannot_stream(self):
        """An older server, or one whose etcd is, says no, or has an error of its own; it is asked for pages from then on."""
        for status in (400, 422, 500):
            with self.subTest(status=status):
                self.setUp()
                self.reflector.start()
                self.server.last.refuse(status)
                self.assertEqual({"limit": "500"}, self.server.last.query)
                self.server.last.end(page(7, service("a", 3), more="next"))
                self.assertEqual({"limit": "500", "continue": "next"}, self.server.last.query)
                self.server.last.end(page(7, service("b", 4)))
                self.assertEqual([("a", "3"), ("b", "4")], self.told)
                self.assertEqual("7", self.server.last.query["resourceVersion"])
                self.assertTrue(self.server.last.streams)
                self.reflector.stop()

    def test_lists_by_pages_where_a_streamed_list_does_not_end(self):
        """A server that does not know streamed lists may send what it has, and never say that this was all."""
        self.reflector.start()
        self.server.last.say(added(service("a", 3)))
        self.clock.pump([STEADY] * 10)
        self.assertTrue(self.server.calls[0].cancelled)
        self.wait()
        self.assertEqual({"limit": "500"}, self.server.last.query)

    def test_asks_for_the_next_page_when_there_is_room(self):
        """Pages do not pile up faster than they are read."""
        self.reflector.start()
        self.server.last.refuse(422)
        self.room = False
        self.server.last.end(page(7, service("a", 3), more="next"))
        self.wait(1)
        self.assertEqual(2, len(self.server.calls))
        self.room = True
        self.wait(1)
        self.assertEqual("next", self.server.last.query["continue"])

    def test_begins_a_list_anew_whose_next_page_has_expired(self):
        """A list that takes longer than the server remembers it is begun again."""
        self.reflector.start()
        self.server.last.refuse(422)
        self.server.last.end(page(7, service("a", 3), more="next"))
        self.server.last.refuse(410)
        self.wait()
        self.assertEqual({"limit": "500"}, self.server.last.query)

    def test_refuses_what_is_no_list(self):
        """An answer of another shape is a failure, never an empty list."""
        for answer in ({}, {"items": []}, {"metadata": {"resourceVersion": "7"}, "items": 3}, {"metadata": [], "items": []}, [], None):
            with self.subTest(answer=answer):
                self.setUp()
                self.reflector.expect({("default", "a"): "3/u"})
                self.reflector.start()
                self.server.last.refuse(422)
                self.server.last.end(answer)
                self.assertEqual(("waiting", []), (self.reflector.state, self.told))
                self.reflector.stop()

    def test_watches_on_from_where_a_watch_ended(self):
        """Servers end watches now and then; bookmarks move the place, so that it is not forgotten by then."""
        self.begin(service("a", 3))
        self.server.last.say(bookmark(40))
        self.wait(SHORT)
        self.server.last.end()
        self.assertEqual("40", self.server.last.query["resourceVersion"])
        self.assertNotIn("sendInitialEvents", self.server.last.query)
        self.assertEqual([("a", "3")], self.told)

    def test_asks_watches_to_end(self):
        """Between five and ten minutes, not all at once."""
        self.begin()
        self.assertEqual(str(int(WATCH_TIME * 1.5)), self.server.last.query["timeoutSeconds"])

    def test_lists_again_when_the_past_is_forgotten(self):
        """410 in a watch: a list tells what changed, what is gone and what is made anew; what did not change is not told again."""
        self.begin(service("a", 3), service("b", 4), service("c", 5), service("d", 6))
        self.server.last.say(error(410))
        self.assertTrue(self.server.last.cancelled)
        self.wait()
        del self.told[:]
        self.server.last.say(added(service("a", 3)), added(service("b", 30)), added(service("d", 6, uid="new")), bookmark(50, ends=True))
        self.assertEqual([("b", "30"), ("d", "6"), ("c", None)], self.told)

    def test_waits_longer_after_each_failure(self):
        """Doubling, with jitter, up to a bound; a connection that is lost keeps its place for two tries more."""
        self.begin(service("a", 3))
        for wait in (0.5, 1.0, 2.0, 4.0, 8.0, LAST_RETRY, LAST_RETRY):
            calls = len(self.server.calls)
            self.server.last.lose()
            self.wait(wait - 0.01)
            self.assertEqual(calls, len(self.server.calls))
            self.wait(0.02)
            self.assertEqual(calls + 1, len(self.server.calls))
        self.assertIn("sendInitialEvents", self.server.last.query)
        self.assertEqual([("a", "3")], self.told)

    def test_is_well_again_after_a_while(self):
        """A watch that is answered is well again, and lets the next wait be the first one again if it lives."""
        self.begin()
        self.server.last.lose()
        self.wait()
        self.server.last.on_open()
        self.assertEqual(("watching", ""), self.states[-1])
        self.wait(STEADY)
        self.server.last.lose()
        self.wait(FIRST_RETRY)
        self.assertEqual(3, len(self.server.calls))

    def test_heeds_the_servers_advice(self):
        """Retry-After of 429 and 503 goes before the own wait, up to five minutes."""
        for advice, wait in ((20.0, 20.0), (86400.0, 300.0)):
            with self.subTest(advice=advice):
                self.setUp()
                self.reflector.start()
                self.server.last.refuse(429, "TooManyRequests", advice)
                self.wait(wait - 0.1)
                self.assertEqual(1, len(self.server.calls))
                self.wait(0.2)
                self.assertEqual(2, len(self.server.calls))
                self.reflector.stop()

    def test_keeps_what_it_knows_where_it_is_refused(self):
        """403, 401 or 404 say nothing of objects; they are told with their words, and tried again less and less often."""
        for status in (401, 403, 404):
            with self.subTest(status=status):
                self.setUp()
                self.begin(service("a", 3))
                self.server.last.refuse(status, "Forbidden")
                self.assertEqual(("waiting", f"{status} Forbidden"), self.states[-1])
                self.assertEqual((status, 1), (self.reflector.status, self.reflector.refusals))
                self.assertEqual([("a", "3")], self.told)
                self.reflector.stop()

    def test_notices_a_silent_watch(self):
        """Neither an event nor a bookmark for longer than bookmarks take: the connection may be dead, and is made anew from the same place."""
        self.begin()
        self.clock.pump([STEADY] * int(QUIET / STEADY))
        self.assertTrue(self.server.calls[0].cancelled)
        self.assertEqual("10", self.server.last.query["resourceVersion"])

    def test_notices_a_watch_that_does_not_end(self):
        """One that goes on long after it was asked to end is ended."""
        self.begin()
        for _ in range(int(WATCH_TIME * 1.5 / STEADY)):
            self.wait(STEADY)
            self.server.last.say(bookmark(10))
        self.assertEqual(1, len(self.server.calls))
        self.clock.pump([STEADY] * 4)
        self.assertEqual(2, len(self.server.calls))

    def test_a_watch_that_ends_at_once_counts_as_failed(self):
        """A server that takes watches and drops them is not asked in a loop."""
        self.begin()
        self.server.last.end()
        self.assertEqual(("waiting", 1), (self.reflector.state, len(self.server.calls)))

    def test_skips_what_cannot_be_used_and_lists_again(self):
        """Whatever an event is, nothing is lost: one line a fault is logged, and a list makes good what was skipped."""
        other_kind = {**service("b", 11), "kind": "Pod"}
        faults = {
            "a line that is no JSON": NOT_JSON,
            "a line that is no event": [1, 2],
            "an object of another kind": added(other_kind),
            "an object without metadata": added({"kind": "Service", "spec": {}}),
            "an event of an unknown type": {"type": "RENAMED", "object": service("a", 11)},
            "an event out of order": modified(service("new", 9)),
            "a line that is too long": b"x" * (4 * 1024 * 1024 + 1),
        }
        for fault, line in faults.items():
            with self.subTest(fault=fault):
                self.setUp()
                self.begin(service("a", 3))
                self.server.last.say(line, line, modified(service("a", 12)))
                self.assertEqual({fault: 2}, dict(self.reflector.faults))
                self.assertEqual([("a", "3"), ("a", "12")], self.told)
                self.wait(FIRST_DOUBT)
                self.assertIn("sendInitialEvents", self.server.last.query)
                self.server.last.say(added(service("a", 12)), added(service("new", 13)), bookmark(13, ends=True))
                self.assertEqual(("new", "13"), self.told[-1])
                self.reflector.stop()

    def test_lists_again_less_and_less_often(self):
        """A server that sends garbage all the time is not listed in a loop."""
        self.begin()
        for _ in range(600):
            self.server.last.say(NOT_JSON)
            self.wait(1)
            if not self.reflector.listed or self.reflector.state == "listing":
                self.server.last.say(bookmark(10, ends=True))
        self.assertTrue(7 <= len(self.server.calls) <= 12, len(self.server.calls))
        self.assertEqual(600, sum(self.reflector.faults.values()))

    def test_duplicates_change_nothing(self):
        """The same event twice, an old one again, and a deletion twice."""
        self.begin(service("a", 3), service("b", 4))
        again = modified(service("a", 11))
        self.server.last.say(again, again, modified(service("b", 12)), again, deleted(service("a", 13)), deleted(service("a", 13)))
        self.assertEqual([("a", "3"), ("b", "4"), ("a", "11"), ("b", "12"), ("a", None)], self.told)
        self.assertEqual({}, dict(self.reflector.faults))

    def test_takes_no_word_of_an_earlier_attempt(self):
        """Lines that come from a connection that was given up are not heard."""
        self.begin()
        old = self.server.last
        old.lose()
        self.wait()
        old.say(added(service("late", 11)))
        self.assertEqual([], self.told)

    def test_expects_what_an_earlier_run_knew(self):
        """What did not change since is not told; what is gone since is."""
        self.reflector.expect({("default", "a"): "3/u", ("default", "b"): "4/u"})
        self.begin(service("a", 3))
        self.assertEqual([("b", None)], self.told)

    def test_is_nudged_when_the_server_is_back(self):
        """Who waits for a lost server goes at once when somebody else has reached it; who was told to wait does not."""
        self.reflector.start()
        self.server.last.lose()
        self.reflector.nudge()
        self.assertEqual(2, len(self.server.calls))
        self.server.last.refuse(429)
        self.reflector.nudge()
        self.assertEqual(2, len(self.server.calls))

    def test_stops(self):
        """Nothing is under way, and nothing is told, after the stop."""
        self.begin()
        self.server.last.say(NOT_JSON)
        call = self.server.last
        self.reflector.stop()
        call.say(added(service("a", 11)))
        self.assertEqual((True, [], "stopped"), (call.cancelled, self.told, self.reflector.state))

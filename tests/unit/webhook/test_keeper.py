"""Certificates kept fresh."""

from datetime import timedelta

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.inject.settings import InjectSettings
from meshd.kubernetes.client import ApiError
from meshd.webhook.authority import AUTHORITY_LIFE, AUTHORITY_REST, LEAF_LIFE, LEAF_REST, AuthorityError, make_authority, wall_time
from meshd.webhook.configuration import Hook, injection
from meshd.webhook.keeper import AGAIN, LOOK, TRIES, VALIDATING_WEBHOOKS, Keeper, obtain
from meshd.webhook.store import SecretStore
from tests.helpers.api_server import ApiServer, done

NOW = 1.8e9
INJECTOR = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-sidecar-injector"
VALIDATOR = VALIDATING_WEBHOOKS.path(name="meshd-validator-istio-system")
SECRET = "/api/v1/namespaces/istio-system/secrets/meshd-webhook-ca"


class KeeperTests(SynchronousTestCase):
    """A keeper beside an API server."""

    def setUp(self):
        """Begin with configurations, and without an authority."""
        self.server, self.clock, self.now, self.used = ApiServer(), Clock(), NOW, []
        self.install(INJECTOR)
        self.keeper = Keeper(
            SecretStore(self.server, "istio-system"), ["a.example"], self.clock, lambda: self.now, self.used.append, self.server,
            ("istio-sidecar-injector", "meshd-validator-istio-system"),
        )

    def install(self, path):
        """Put a configuration of ours there."""
        self.server.objects[path] = {**injection(InjectSettings(), Hook("https://a.example/inject"))}
        self.server.objects[path]["metadata"]["resourceVersion"] = "0"

    def bundles(self, path=INJECTOR):
        """Give what the API server believes."""
        return {one["clientConfig"].get("caBundle") for one in self.server.objects[path]["webhooks"]}

    def authority(self):
        """Give what is kept."""
        return done(SecretStore(self.server, "istio-system").load())

    def test_begins(self):
        """An authority is made, believed, and only then shown; another configuration is looked at when it comes."""
        self.assertFalse(self.keeper.ready)
        self.keeper.start()
        self.assertEqual((1, True, {self.authority().ca_bundle}), (len(self.used), self.keeper.ready, self.bundles()))
        self.install(VALIDATOR)
        self.clock.advance(LOOK)
        self.assertEqual(({self.authority().ca_bundle}, 1), (self.bundles(VALIDATOR), len(self.used)))
        self.keeper.stop()
        self.assertEqual([], self.clock.getDelayedCalls())

    def test_a_server_is_renewed(self):
        """Before its certificate ends, by the same authority."""
        self.keeper.start()
        self.now += (LEAF_LIFE - LEAF_REST).total_seconds() - LOOK
        self.clock.advance(LOOK)
        self.assertEqual(1, len(self.used))
        self.now += LOOK + 1
        self.clock.advance(LOOK)
        self.assertEqual((2, 1), (len(self.used), self.authority().bundle.count("BEGIN CERTIFICATE")))

    def test_an_authority_is_renewed(self):
        """Before it ends; the old one is believed on."""
        self.keeper.start()
        before = self.authority()
        self.now += (AUTHORITY_LIFE - AUTHORITY_REST).total_seconds() + 1
        self.clock.advance(LOOK)
        self.assertTrue(self.authority().bundle.endswith(before.bundle))
        self.assertEqual((2, {self.authority().ca_bundle}), (len(self.used), self.bundles()))

    def test_what_another_process_did_is_taken_over(self):
        """Its authority signs for us too."""
        self.keeper.start()
        other = make_authority(wall_time(self.now) + timedelta(days=1))
        store = SecretStore(self.server, "istio-system")
        done(store.load())
        done(store.save(other))
        self.clock.advance(LOOK)
        self.assertEqual(({other.ca_bundle}, 2), (self.bundles(), len(self.used)))

    def test_a_fault_is_told_and_tried_again(self):
        """Later each time; what is shown stays."""
        for pause in (AGAIN, AGAIN * 2):
            self.server.faults["GET"] = ApiError("GET", 503, "Unavailable")
            self.keeper.start() if pause == AGAIN else self.clock.advance(AGAIN)
            self.assertEqual((False, pause), (self.keeper.ready, self.clock.getDelayedCalls()[0].getTime() - self.clock.seconds()))
        self.clock.advance(AGAIN * 2)
        self.assertTrue(self.keeper.ready)

    def test_an_authority_that_nobody_believes_yet_is_not_shown(self):
        """A configuration that cannot be written keeps the old certificate in use."""
        self.server.faults["PUT"] = ApiError("PUT", 403, "Forbidden")
        self.keeper.start()
        self.assertEqual([], self.used)
        self.clock.advance(AGAIN)
        self.assertEqual(1, len(self.used))

    def test_a_configuration_that_changed_meanwhile_is_looked_at_again(self):
        """That is no fault."""
        self.server.faults["PUT"] = ApiError("PUT", 409, "Conflict")
        self.keeper.start()
        self.assertEqual((1, {None}), (len(self.used), self.bundles()))
        self.clock.advance(LOOK)
        self.assertEqual({self.authority().ca_bundle}, self.bundles())

    def test_a_bug_is_logged_and_does_not_end_it(self):
        """The next look comes."""
        self.server.faults["GET"] = ZeroDivisionError("a bug")
        self.keeper.start()
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.clock.advance(LOOK)
        self.assertTrue(self.keeper.ready)

    def test_without_an_api_server(self):
        """Whoever runs it tells the API server himself."""
        keeper = Keeper(SecretStore(self.server, "x"), ["a.example"], self.clock, lambda: self.now, self.used.append)
        done(keeper.look())
        self.assertEqual((1, {None}), (len(self.used), self.bundles()))

    def test_stopping_cancels_what_is_under_way(self):
        """Nothing is left."""
        waiting = Deferred()
        self.server.get = lambda path: waiting
        self.keeper.start()
        self.keeper.stop()
        self.assertEqual(([], []), (self.used, self.clock.getDelayedCalls()))


def test_others_may_be_faster_for_a_while_only():
    """Then it is told."""
    tries = []

    class Store:
        """A store in which somebody else is always faster."""

        async def load(self):
            """Give nothing."""

        async def save(self, authority):
            """Keep nothing."""
            tries.append(authority)
            return False

    with pytest.raises(AuthorityError, match="others write the webhook's authority all the time"):
        done(obtain(Store(), NOW))
    assert TRIES == len(tries)

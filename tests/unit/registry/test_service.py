"""A machine of the fleet as registry."""


import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from meshd.model.registry_settings import RegistryServer
from meshd.registry.files import read_json
from meshd.registry.service import FILE, FOLDER, RegistryService
from tests.helpers.registrations import group, said

KEY = "shop/web-10.0.0.1"


class ServiceTests(SynchronousTestCase):
    """One registry, whose port is none."""

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path):
        """Work in a folder of its own."""
        self.folder = tmp_path

    def setUp(self):
        """Begin."""
        self.state = self.folder

    def begin(self, settings=None):
        """Start a registry."""
        self.reactor, self.told = MemoryReactorClock(), []
        settings = settings or RegistryServer()
        service = RegistryService(
            self.reactor, settings, self.state, ["r"], "meshd-r", lambda namespace, name: group(), lambda changed: self.told.append(list(changed)),
        )
        service.start()
        return service

    def test_serves_and_tells(self):
        """At its port, with a certificate of its own making; what is registered is told of."""
        service = self.begin(RegistryServer(port=4711))
        self.assertEqual([4711], [server[0] for server in self.reactor.sslServers])
        service.registrations.put(said(health="unhealthy", reason="refused"), "t")
        self.reactor.advance(2.0)
        status = service.status()
        self.assertEqual((4711, 64, ""), (status["port"], len(status["fingerprint"]), status["problem"]))
        [one] = status["registered"]
        self.assertEqual((KEY, "10.0.0.1", "unhealthy", "refused", "t", 2.0, True), tuple(
            one[name] for name in ("name", "address", "health", "reason", "token", "heard", "served")
        ))
        self.successResultOf(service.stop())
        self.assertEqual([[KEY]], self.told)

    def test_what_is_registered_outlives_it(self):
        """Written a second after a change, or when it stops; its certificate stays, too."""
        service = self.begin()
        service.registrations.put(said(), "t")
        self.reactor.advance(1.0)
        self.assertEqual(1, len(read_json(self.state / FOLDER / FILE)["registered"]))
        service.registrations.put(said("10.0.0.2"), "t")
        service.stop()
        pin = service.fingerprint
        again = self.begin()
        self.assertEqual((pin, [[KEY, "shop/web-10.0.0.2"]]), (again.fingerprint, self.told))
        again.stop()
        self.assertEqual([], self.reactor.getDelayedCalls())

    def test_a_file_that_cannot_be_read_is_nothing(self):
        """Everybody comes again."""
        (self.state / FOLDER).mkdir()
        for content in ("{", "[]", '{"registered": 5}', '{"registered": [{"said": {}}]}', '{"registered": [5]}'):
            (self.state / FOLDER / FILE).write_text(content)
            service = self.begin()
            self.assertEqual(({}, ""), (service.registrations.by_key, service.problem))
            service.stop()

    def test_what_stands_in_the_way_is_told_of(self):
        """And nothing else is stopped by it."""
        service = self.begin(RegistryServer(certificate="/none/a", key="/none/b"))
        self.assertIn("expected a certificate and its key in PEM", service.status()["problem"])
        self.successResultOf(service.stop())

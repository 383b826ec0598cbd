"""A file of Envoy's served: what is opened, said and left behind, with a reactor that runs nothing."""

import json
import signal

import pytest
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import ConfigurationError
from meshd.tap import daemon
from meshd.tap.daemon import Settings
from meshd.tap.file_daemon import FileDaemon, SnapshotFile
from meshd.tap.options import Places
from tests.unit.tap.test_daemon import FakeReactor

BOOTSTRAP = {
    "node": {"id": "sidecar~10.0.0.1~web.shop"},
    "admin": {"address": {"socketAddress": {"address": "127.0.0.2", "portValue": 15000}}},
    "staticResources": {"clusters": [{"name": "c", "odd": 1}]},
}


class FileDaemonTests(SynchronousTestCase):
    """A daemon of a file in directories of its own."""

    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path):
        """Keep pytest's folder for this test."""
        self.tmp_path = tmp_path

    def setUp(self):
        """Prepare the directories and the file."""
        self.temporary = self.tmp_path / "temporary"
        self.places = Places(*(self.temporary / name for name in ("config", "run", "state", "log")), self.temporary)
        for path in (self.places.run_dir, self.places.state_dir / "generations", self.places.log_dir):
            path.mkdir(parents=True)
        self.path = self.tmp_path / "envoy.json"
        self.path.write_text(json.dumps(BOOTSTRAP))
        self.reactor = FakeReactor()
        self.patch(daemon, "raise_descriptor_limit", lambda: 0)
        for number in (signal.SIGUSR1, signal.SIGHUP):
            self.addCleanup(signal.signal, number, signal.getsignal(number))

    def begin(self) -> FileDaemon:
        """Start a daemon."""
        file = SnapshotFile(str(self.path))
        made = FileDaemon(self.reactor, Settings(self.places, workers=2), file, file.read())
        made.startService()
        return made

    def test_it_serves_without_capture_or_privileges(self):
        """Workers stay who we are; only the file's admin pages are opened."""
        made = self.begin()
        self.assertEqual({"control.sock", "admin.sock", ("127.0.0.2", 15000)}, set(self.reactor.opened))
        self.assertEqual([["-", "-"], ["-", "-"]], [arguments[-2:] for arguments in self.reactor.spawned])
        self.assertEqual((["c"], "off"), (list(made._control.generation.snapshot.clusters), made._facts.capturing.state))
        self.assertEqual(("web", "shop", ["10.0.0.1"]), tuple(made._facts.status()["node"][key] for key in ("name", "namespace", "addresses")))

    def test_problems_are_part_of_its_status(self):
        """As they are of a configuration's."""
        self.assertEqual(["static_resources"], ["static_resources" for problem in self.begin()._facts.status()["problems"]])
        self.assertIn("clusters[0].odd", self.begin()._facts.status()["problems"][0]["field"])

    def test_hangup_reads_the_file_again(self):
        """A file that cannot be served then changes nothing."""
        made = self.begin()
        self.path.write_text(json.dumps({"staticResources": {"clusters": [{"name": "d"}]}}))
        signal.getsignal(signal.SIGHUP)(signal.SIGHUP, None)
        self.assertEqual(["d"], list(made._control.generation.snapshot.clusters))
        self.path.write_text("{")
        signal.getsignal(signal.SIGHUP)(signal.SIGHUP, None)
        self.assertEqual(["d"], list(made._control.generation.snapshot.clusters))

    def test_what_is_temporary_is_removed_in_the_end(self):
        """With all in it."""
        made = self.begin()
        made._close(None)
        self.assertFalse(self.temporary.exists())

    def test_directories_that_were_given_stay(self):
        """They are not ours."""
        self.places = Places(self.places.config_dir, self.places.run_dir, self.places.state_dir, self.places.log_dir)
        self.begin()._close(None)
        self.assertTrue(self.places.state_dir.exists())

    def test_a_file_that_cannot_be_served_is_one_line(self):
        """The last error is the one that decided."""
        self.path.write_text(json.dumps({"staticResources": {"listeners": 3, "clusters": [{}]}}))
        with pytest.raises(ConfigurationError) as caught:
            SnapshotFile(str(self.path)).read()
        self.assertEqual(f"{self.path}:1: staticResources.listeners: expected a list, found 3 (and 1 more)", str(caught.value))

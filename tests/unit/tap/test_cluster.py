"""An API server as a source, put together."""

from pathlib import Path

import attrs
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import ConfigurationError
from meshd.base.origins import Origin
from meshd.kubernetes.api import PODS, SECRETS
from meshd.model.metadata import Metadata
from meshd.model.node import KubernetesSettings, Node
from meshd.tap.cluster import KEPT, Cluster, asked_for
from meshd.tap.options import Places

CONFIG = """
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: u, user: {}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
"""


class ClusterTests(SynchronousTestCase):
    """What a Node says, on directories of the test's own."""

    @pytest.fixture(autouse=True)
    def _own_folder(self, tmp_path):
        """Keep pytest's folder for this test."""
        self.places = Places(*(Path(tmp_path),) * 4)
        self.config = tmp_path / "kubeconfig"
        self.node = Node(Metadata("a", Origin("")), kubernetes=KubernetesSettings(str(self.config)))

    def test_edge_proxies_alone_ask_for_secrets(self):
        """Of others nothing needs them."""
        self.assertEqual((PODS,), asked_for((PODS, SECRETS), self.node))
        self.assertEqual((PODS, SECRETS), asked_for((PODS, SECRETS), attrs.evolve(self.node, gateway=True)))

    def test_is_put_together_from_a_kubeconfig(self):
        """What is read is called by the server's address, and kept in the state directory."""
        self.config.write_text(CONFIG)
        cluster = Cluster.of(self.node, self.places, Clock(), lambda delivery: None)
        status = cluster.source.status()
        self.assertEqual(("http://127.0.0.1:1", "starting"), (status["server"], status["state"]))
        self.assertEqual(str(self.places.state_dir / KEPT), status["kept"]["file"])

    def test_without_a_kubeconfig_there_is_none(self):
        """Only the operator can mend that."""
        with pytest.raises(ConfigurationError, match=r"source: kubernetes: .*kubeconfig"):
            Cluster.of(self.node, self.places, Clock(), lambda delivery: None)

    def test_stops_the_source_then_the_connections(self):
        """What is to be kept is on disk by then."""
        done, over = [], Deferred()

        class Source:
            def stop(self):
                done.append("source")
                return over

            def start(self):
                done.append("start")

            def look(self):
                done.append("look")

        class Client:
            def close(self):
                done.append("client")

        cluster = Cluster(Client(), Source())
        cluster.start()
        cluster.look()
        stopped = cluster.stop()
        self.assertNoResult(stopped)
        over.callback(None)
        self.successResultOf(stopped)
        self.assertEqual(["start", "look", "source", "client"], done)

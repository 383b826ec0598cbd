"""What a Node's `registry` asks for, put together."""


import attrs
import pytest
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import MeshError
from meshd.capture.rules import Identity
from meshd.model.node import Node
from meshd.model.registry_settings import RegistryServer, RegistrySettings
from meshd.model.workload_group import Probe
from meshd.model.world import World
from meshd.tap import registration
from meshd.tap.registration import Registration
from tests.helpers.object_store import ObjectStore
from tests.helpers.registrations import group
from tests.helpers.registrations import said as said_by
from tests.helpers.services import metadata

ENTRY = "/apis/networking.istio.io/v1/namespaces/shop/workloadentries/web-10.0.0.1"
GROUP = "/apis/networking.istio.io/v1/namespaces/shop/workloadgroups/web"
BODY = {
    "apiVersion": "networking.istio.io/v1", "kind": "WorkloadGroup", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": {}},
}
JOIN = RegistrySettings("https://10.0.0.9", namespace="shop", group="web", token="/none")


class RegistrationTests(SynchronousTestCase):
    """One machine."""

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path):
        """Work in a folder of its own."""
        self.folder = tmp_path

    def begin(self, settings, *resources, **more):
        """Start what a Node asks for."""
        self.state = self.folder / "state"
        self.reactor, self.delivered, self.world = MemoryReactorClock(), [], World().changed(resources)
        node = Node(metadata("Node", "web-1"), addresses=("10.0.0.1",), registry=settings, **more)
        found = Registration(self.reactor, node, self.state, lambda: self.world, self.delivered.append, Identity(1337, 1337))
        found.start()
        return found

    def test_nothing_is_asked_for(self):
        """Nothing happens, and there is nothing to tell."""
        found = self.begin(RegistrySettings())
        found.look(attrs.evolve(found.node, labels={"a": "b"}))
        self.successResultOf(found.stop())
        self.assertEqual((None, [], []), (found.status(), self.reactor.getDelayedCalls(), self.delivered))
        self.assertFalse(self.state.exists())

    def test_a_machine_that_joins_follows_too(self):
        """Where that is not possible, it says so and goes on trying."""
        found = self.begin(JOIN)
        problem = "/none: expected a file that can be read: No such file or directory"
        status = found.status()
        self.assertEqual((problem, problem, None, None), (
            status["joined"]["problem"], status["follows"]["problem"], status["joined"]["name"], status["follows"]["heard"],
        ))
        self.assertTrue(self.reactor.getDelayedCalls())
        self.successResultOf(found.stop())
        self.assertEqual([], [call for call in self.reactor.getDelayedCalls() if call.active()])

    def test_a_machine_without_a_group_only_follows(self):
        """A client, or a gateway."""
        found = self.begin(attrs.evolve(JOIN, group="", namespace=""))
        self.assertEqual({"follows"}, set(found.status()))
        found.stop()

    def test_it_has_one_name_for_as_long_as_its_state_lives(self):
        """So that it can take over from itself."""
        first = self.begin(JOIN)
        path = self.state / "registry" / "instance"
        self.assertEqual(first._describe().instance, path.read_text())
        self.assertEqual(first._read_instance(), path.read_text())
        first.stop()

    def test_the_probe_is_the_nodes_else_the_groups(self):
        """Of the WorkloadGroup that this machine knows."""
        own, of_group = Probe("tcp", port=1), Probe("tcp", port=2)
        found = self.begin(JOIN, group(probe=of_group))
        self.assertEqual(of_group, found._own_probe())
        found.stop()
        found = self.begin(attrs.evolve(JOIN, probe=own), group(probe=of_group))
        self.assertEqual(own, found._own_probe())
        found.stop()

    def test_what_changes_is_looked_at(self):
        """A group's probe, and what the Node says of the machine; its `registry` is read at start."""
        found = self.begin(JOIN)
        self.world = self.world.changed([group(probe=Probe("tcp", port=2))])
        found.look(attrs.evolve(found.node, labels={"a": "b"}, addresses=("10.0.0.2",), registry=RegistrySettings()))
        said = found._describe()
        self.assertEqual((True, {"a": "b"}, "10.0.0.2", JOIN), (found.status()["joined"]["checked"], said.labels, said.address, found.node.registry))
        found.stop()

    def test_a_machine_of_a_cluster(self):
        """It is looked for again and again how the API server is reached; then it registers there, and looks after the others."""
        store = ObjectStore()
        answers = iter([MeshError("no kubeconfig"), MeshError("no kubeconfig"), store])

        def client(connection, reactor):
            return store

        def load(*place):
            answer = next(answers)
            if isinstance(answer, MeshError):
                raise answer
            return answer

        self.patch(registration, "load_connection", load)
        self.patch(registration, "KubernetesClient", client)
        store.close = lambda: None
        store.put(GROUP, BODY)
        found = self.begin(RegistrySettings(kubernetes=True, namespace="shop", group="web"))
        self.assertEqual("no kubeconfig", found.status()["joined"]["problem"])
        self.reactor.advance(0.2)
        self.assertEqual(("shop/web-10.0.0.1", True), (found.status()["joined"]["name"], ENTRY in store.objects))
        self.successResultOf(found.stop())
        self.assertEqual((False, []), (ENTRY in store.objects, self.reactor.getDelayedCalls()))

    def test_a_registry_follows_itself(self):
        """Without asking; a group that comes makes entries."""
        found = self.begin(attrs.evolve(JOIN, serve=RegistryServer()))
        self.assertEqual({"serves", "joined"}, set(found.status()))
        self.world = self.world.changed([group()])
        found.look(found.node)
        found._service.registrations.put(said_by(), "t")
        self.assertEqual(["registry/shop/web-10.0.0.1.json"], [name for delivery in self.delivered for name in delivery.files])
        self.world = self.world.changed([], [group()])
        found.look(found.node)
        self.assertEqual({"registry/shop/web-10.0.0.1.json"}, self.delivered[-1].removed)
        found.stop()

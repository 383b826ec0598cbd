"""What status says."""

import attrs
from twisted.internet.task import Clock

from meshd.base.origins import Origin
from meshd.control.attachment import Attachment
from meshd.control.generations import GenerationStore
from meshd.control.ingest import Verdict
from meshd.control.pusher import Pusher, Refusal
from meshd.control.service import ControlPlane
from meshd.control.sockets import ListeningSockets
from meshd.control.status import generation_status, node_status, snapshot_bytes, sources_status, workers_status
from meshd.control.workers import Slot, Workers
from meshd.model.metadata import Metadata
from meshd.model.node import Node
from meshd.snapshot.secret import Secret
from meshd.snapshot.update import apply_update
from meshd.snapshot.wire import decode
from tests.unit.control.test_attachment import IN, FakeLink, generation
from tests.unit.control.test_workers import FakeLife

G1 = generation(IN)


def fleet(*slots: Slot) -> Workers:
    """Give workers in some state."""
    workers = Workers(Clock(), FakeLife, FakeLife, lambda pids: None, ListeningSockets(), lambda: None)
    workers.slots = {slot.index: slot for slot in slots}
    workers.wanted = G1
    return workers


def attachment() -> Attachment:
    """Give a worker that has refused a generation, and lacks a socket."""
    pusher = Pusher(lambda nonce, content: None, lambda update: b"", lambda: 1, lambda: None, lambda: None)
    pusher.refusal, pusher.nonce, pusher.pushed = Refusal(1, ("no such cluster",)), 4, 99
    found = Attachment(0, FakeLink(), pusher, ListeningSockets(), Clock(), None, lambda: None)
    found.listening = {"in": {("0.0.0.0", 15006), ("::", 15006)}, "": {("0.0.0.0", 15021)}}
    found.failures = {("::1", 80): OSError(98, "Address already in use")}
    found.status, found.problems = {"connections": 2}, ("log full",)
    return found


def test_a_worker_without_a_process():
    """It waits for its replacement."""
    expected = {
        "index": 0, "pid": None, "state": "backoff", "serving": False, "wanted": 1, "sent": None, "acknowledged": None, "nonce": 0, "pushed": 0,
        "refused": None, "restarts": 3, "ended": "exit status 1", "problems": [], "listening": {}, "status": {},
    }
    assert [expected] == workers_status(fleet(Slot(0, "backoff", restarts=3, ended="exit status 1")))


def test_an_attached_worker():
    """With everything that is wrong with it."""
    expected = {
        "index": 0, "pid": 7, "state": "attached", "serving": False, "wanted": 1, "sent": None, "acknowledged": None, "nonce": 4, "pushed": 99,
        "refused": {"number": 1, "reasons": ["no such cluster"]}, "restarts": 0, "ended": "",
        "problems": ["log full", "cannot listen on ::1 port 80: Address already in use"],
        "listening": {"in": ["0.0.0.0:15006", "[::]:15006"], "health": ["0.0.0.0:15021"]}, "status": {"connections": 2},
    }
    assert [expected] == workers_status(fleet(Slot(0, "attached", FakeLife(7, None), attachment())))


def test_sent_and_acknowledged_are_numbers():
    """While a push is on its way they differ from what is wanted."""
    found = attachment()
    found.pusher.acknowledged = G1
    worker = workers_status(fleet(Slot(0, "attached", None, found)))[0]
    assert (1, 1, 1) == (worker["sent"], worker["wanted"], worker["acknowledged"])


def test_generations(tmp_path):
    """Before and after the first one."""
    control = ControlPlane(lambda world: None, fleet(), GenerationStore(tmp_path), Clock(), lambda: 0.0, "x")
    control.rejected = ("wrong",)
    assert {"number": None, "versions": {}, "made": None, "resources": {}, "rejected": ["wrong"], "kept": []} == generation_status(control)
    control.store.save(G1)
    control.generation, control.made, control.rejected = G1, 5.0, ()
    found = generation_status(control)
    assert (1, dict(G1.versions), 5.0, 1, [1]) == (found["number"], found["versions"], found["made"], found["resources"]["listeners"], found["kept"])


def test_sources_count_verdicts_and_list_the_odd_ones():
    """What is simply in use is only counted."""
    good = [Verdict(Origin("a.yaml", line), "ok", "ok") for line in (1, 5)]
    verdicts = [*good, Verdict(Origin("b.yaml", 1), "rejected", "rejected: x")]
    expected = {"documents": {"ok": 2, "rejected": 1}, "verdicts": [{"origin": "b.yaml:1", "outcome": "rejected", "text": "rejected: x"}]}
    assert expected == sources_status(verdicts)


def test_the_node():
    """Who this machine is, and where from."""
    found = node_status(Node(Metadata("n1", Origin("n.yaml", 2)), addresses=("10.0.0.1",)))
    assert ("n1", ["10.0.0.1"], False, "n.yaml:2", 15001) == (
        found["name"], found["addresses"], found["gateway"], found["origin"], found["ports"]["outbound"])


def test_the_snapshot_as_bytes_has_no_secrets():
    """Whoever may read status may not read keys; before there is anything, there is nothing to read."""
    served = G1
    snapshot = attrs.evolve(served.snapshot, secrets={"default": Secret("default", private_key="KEY")})
    content = snapshot_bytes(attrs.evolve(served, snapshot=snapshot))
    assert b"KEY" not in content
    assert attrs.evolve(served.snapshot, secrets={}) == apply_update(None, {}, decode(content))[0]
    assert b"" == snapshot_bytes(None)

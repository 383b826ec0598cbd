"""What the pages show, as the daemon's life goes on."""

import pytest
from twisted.internet.task import Clock

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.capture.rules import Identity
from meshd.control.generations import GenerationStore
from meshd.control.ingest import Ingest
from meshd.control.service import ControlPlane
from meshd.control.sockets import ListeningSockets
from meshd.control.workers import Workers
from meshd.model.metadata import Metadata
from meshd.model.node import Node
from meshd.tap.capturing import Capturing
from meshd.tap.facts import Facts
from meshd.telemetry.names import OVERFLOWN
from tests.unit.control.test_attachment import IN, generation

NODE = Node(Metadata("n1", Origin("n.yaml")))
PARTS = {"version", "pid", "state", "started", "node", "generation", "workers", "sources", "problems", "forwarding", "capture", "registry"}


@pytest.fixture
def facts(tmp_path):
    """Give the facts of a daemon that has just begun."""
    class Fleet(Workers):
        serving = False

    workers = Fleet(Clock(), None, None, None, ListeningSockets(), None)
    return Facts(ControlPlane(lambda world: None, workers, GenerationStore(tmp_path), Clock(), lambda: 0.0, "x"), Ingest(), 5.0)


def test_before_anything_is_known(facts):
    """Every field of the shape is there."""
    status = facts.status()
    assert set(status) == PARTS
    assert (None, None, [], "starting", 5.0) == (status["node"], status["capture"], status["workers"], status["state"], status["started"])
    assert ({}, b"") == (facts.snapshot(), facts.wire())
    assert "1970-01-01T00:00:00.000Z" == facts.config_dump()["configs"][0].get("last_updated", "1970-01-01T00:00:00.000Z")


def test_once_it_serves(facts):
    """With who it is and what is wrong."""
    facts.control.generation, facts.control.made = generation(IN), 1767225600.0
    facts.node, facts.capturing = NODE, Capturing.of(NODE, Identity(1, 1))
    facts.node_problems = [Problem(Origin("n.yaml"), "two Nodes")]
    status = facts.status()
    assert ("n1", "waiting") == (status["node"]["name"], status["capture"]["state"])
    assert ["two Nodes"] == [problem["message"] for problem in status["problems"]]
    assert ["in"] == [listener["name"] for listener in facts.snapshot()["listeners"]]
    listener = facts.config_dump()["configs"][2]["dynamic_listeners"][0]["active_state"]
    assert ("1-x", "2026-01-01T00:00:00.000Z") == (listener["version_info"], listener["last_updated"])
    assert b'"in"' in facts.wire()
    facts.control.workers.totals.add("0", [[OVERFLOWN.name, ["x"], 3]])
    assert b'meshd_metric_overflow_total{metric="x"} 3' in facts.metrics()


@pytest.mark.parametrize(("capture", "served", "serving", "rejected", "stopping", "expected"), [
    ("waiting", False, False, (), False, "starting"),
    ("waiting", True, True, (), False, "starting"),
    ("failed", True, True, (), False, "starting"),
    ("off", True, True, (), False, "serving"),
    ("applied", True, True, (), False, "serving"),
    ("by init", True, True, (), False, "serving"),
    ("applied", True, False, (), False, "degraded"),
    ("applied", True, True, ("wrong",), False, "degraded"),
    ("applied", True, True, (), True, "stopping"),
])
def test_one_word_for_how_it_goes(facts, capture, served, serving, rejected, stopping, expected):
    """Serving means that everything is as wanted."""
    facts.capturing = Capturing.of(NODE, Identity(1, 1))
    facts.capturing.state = capture
    facts.control.served, facts.control.rejected, facts.stopping = served, rejected, stopping
    type(facts.control.workers).serving = serving
    assert expected == facts.state()

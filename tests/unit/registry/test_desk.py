"""A registry that is asked over HTTPS."""

import pytest
from twisted.internet.defer import succeed
from twisted.trial.unittest import SynchronousTestCase

from meshd.model.workload_group import Probe
from meshd.registry.client import RegistryError
from meshd.registry.desk import HttpsDesk, read_welcome
from meshd.registry.joiner import Welcome
from tests.helpers.registrations import said

ANSWER = {"name": "shop/web-10.0.0.1", "grace": 10, "probe": None, "left_out": ["a"]}


class Client:
    """Notes what is asked, and answers the same."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def ask(self, *question):
        """Answer."""
        self.asked.append(question)
        return await succeed(self.answer)


class DeskTests(SynchronousTestCase):
    """What is asked of it."""

    def test_announces(self):
        """A statement is put."""
        client = Client(ANSWER)
        self.assertEqual(Welcome("shop/web-10.0.0.1", 10.0, None, ("a",)), self.successResultOf(HttpsDesk(client).announce(said())))
        self.assertEqual([("PUT", "/v1/workloads", said().to_json(), 5.0)], client.asked)

    def test_follows(self):
        """The answer may take as long as it waits, and then some."""
        client = Client({"entries": {}})
        self.assertEqual({"entries": {}}, self.successResultOf(HttpsDesk(client).entries("r&1", 7, 25)))
        self.assertEqual([("GET", "/v1/entries?run=r%261&after=7&wait=25", None, 30.0)], client.asked)

    def test_answers_of_another_shape_fail(self):
        """As a registry that cannot be asked does."""
        self.failureResultOf(HttpsDesk(Client({})).announce(said()), RegistryError)


def test_reads_the_groups_probe():
    """As a WorkloadGroup has it."""
    assert Probe("tcp", port=80) == read_welcome({**ANSWER, "probe": {"tcpSocket": {"port": 80}}}).probe


@pytest.mark.parametrize(
    "change",
    [
        {"name": 5}, {"grace": 0}, {"grace": None}, {"grace": 1e9}, {"grace": float("nan")}, {"left_out": None}, {"probe": {"tcpSocket": {}}},
        {"probe": {"exec": {"command": ["rm"]}}},
    ],
)
def test_anything_else_is_refused(change):
    """Above all commands."""
    with pytest.raises(RegistryError, match="expected a"):
        read_welcome({**ANSWER, **change})

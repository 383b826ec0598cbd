"""Tests of where connections go that an HTTP chain cannot serve."""

import pytest

from meshd.worker.unrouted import find_only_cluster, find_service_cluster
from tests.helpers.worker_rig import CLUSTER, Rig, snapshot


@pytest.fixture
def program():
    """Give a program with one HTTP listener."""
    rig = Rig()
    yield rig.use(snapshot())
    rig.close()


@pytest.mark.parametrize(("address", "expected"), [("10.1.0.1", CLUSTER), ("10.9.9.9", "")])
def test_the_service_of_an_address(program, address, expected):
    """The service's address is a domain of its virtual host."""
    assert expected == find_service_cluster(program.listeners["http"], address)


def test_a_tcp_listener_knows_no_service(program):
    """Without an HTTP chain there are no routes to ask."""
    assert "" == find_service_cluster(program.listeners["tcp"], "10.1.0.1")


def test_no_host_for_all(program):
    """Only a virtual host for every authority names the one cluster."""
    assert "" == find_only_cluster(program.listeners["http"].chains[0].http)

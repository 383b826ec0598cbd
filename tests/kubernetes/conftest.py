"""A real API server for all tests of this folder: started once, in about three seconds."""

import hashlib
from collections.abc import Iterator

import pytest

from tests.kubernetes.cluster import Cluster, running_cluster
from tests.kubernetes.definitions import PAGE


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster that has the kinds of Istio, Gateway API and meshd; tests share it, each in a namespace of its own."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as found:
        found.define(PAGE.read_text())
        yield found


@pytest.fixture
def own_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster for this test alone, without those kinds: for tests that stop it, or change what all of it sees."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the name of a namespace for this test alone."""
    name = "test-" + hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:10]
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")

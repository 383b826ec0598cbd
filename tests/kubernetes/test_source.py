"""A real meshd whose source is a real API server."""

import json
import os
import signal
from collections.abc import Iterator

import pytest
import yaml

from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import wait_for
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.definitions import PAGE
from tests.kubernetes.reading_meshd import Meshd, reading_meshd, service

RBAC = ROOT / "packaging" / "kubernetes" / "rbac.yaml"
LATER = 60.0  # seconds; a kind that is installed later is looked for every 30 s or so

SLOW = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: NAME, namespace: default}
spec:
  hosts: [NAME]
  http: [{timeout: 7s, route: [{destination: {host: NAME}}]}]
"""


@pytest.fixture
def meshd() -> Iterator[Meshd]:
    """Give a meshd that does not run yet."""
    with reading_meshd() as found:
        yield found


def test_what_kubectl_creates_is_served(cluster: Cluster, meshd: Meshd):
    """A service, its endpoints and a route for it, changes and the end of them, each as soon as kubectl has said it."""
    meshd.read(cluster.kubeconfig)
    meshd.start()
    cluster.apply(service("web"), SLOW.replace("NAME", "web"))
    meshd.wait_for_endpoints("web", ["10.9.9.9"])
    wait_for(lambda: meshd.has_slow_route("web"), "the route has a timeout")
    assert "in sync" == meshd.source("state")
    address = cluster.ask("GET", "/api/v1/namespaces/default/services/web")["spec"]["clusterIP"]
    call = {"address": address, "port": 8080, "protocol": "http", "authority": "web"}
    explained = meshd.meshctl("explain", "--call", json.dumps(call))
    assert "kubernetes/VirtualService/default/web" in explained
    cluster.apply(service("web", "10.9.9.8"))
    meshd.wait_for_endpoints("web", ["10.9.9.8"])
    cluster.kubectl("delete", "service,endpointslice,virtualservice", "web", "web-1", "--ignore-not-found")
    meshd.wait_for_endpoints("web", None)
    assert [] == meshd.status()["problems"]


def test_outlives_the_api_server(own_cluster: Cluster, meshd: Meshd):
    """What was read last is served while the API server is away, also by a meshd that starts then; what changed is taken in when it is back."""
    own_cluster.apply(service("web"))
    meshd.read(own_cluster.kubeconfig)
    meshd.start()
    meshd.wait_for_endpoints("web", ["10.9.9.9"])
    wait_for(lambda: (meshd.source("kept") or {}).get("waiting") == 0, "all is kept")
    own_cluster.stop_api_server()
    meshd.wait_for_state("away")
    assert (["10.9.9.9"], "serving") == (meshd.endpoints("web"), meshd.status()["state"])
    meshd.stop()
    meshd.start()
    assert (["10.9.9.9"], "kept") == (meshd.endpoints("web"), meshd.source("state"))
    assert 0o600 == (meshd.folder / "state" / "kubernetes.sqlite").stat().st_mode & 0o777
    own_cluster.start_api_server()
    own_cluster.apply(service("web", "10.9.9.8"))
    meshd.wait_for_endpoints("web", ["10.9.9.8"])
    meshd.wait_for_state("in sync")
    assert [] == meshd.status()["problems"]


def test_lists_anew_what_the_api_server_has_forgotten(own_cluster: Cluster, meshd: Meshd):
    """A meshd that slept while etcd was compacted gets 410, and finds out what came, changed and went."""
    own_cluster.apply(service("web"), service("old"))
    meshd.read(own_cluster.kubeconfig)
    meshd.start()
    meshd.wait_for_endpoints("old", ["10.9.9.9"])
    assert meshd.process is not None
    os.kill(meshd.process.pid, signal.SIGSTOP)
    try:
        own_cluster.apply(service("web", "10.9.9.8"), service("new"))
        own_cluster.kubectl("delete", "service,endpointslice", "old", "old-1", "--ignore-not-found")
        own_cluster.compact()
        own_cluster.restart_api_server()
    finally:
        os.kill(meshd.process.pid, signal.SIGCONT)
    meshd.wait_for_endpoints("web", ["10.9.9.8"])
    meshd.wait_for_endpoints("new", ["10.9.9.9"])
    meshd.wait_for_endpoints("old", None)
    meshd.wait_for_state("in sync")


def test_kinds_come_and_go(own_cluster: Cluster, meshd: Meshd):
    """Definitions that are installed later are read then; one that is removed takes its resources along, and nothing else."""
    own_cluster.apply(service("web"))
    meshd.read(own_cluster.kubeconfig)
    meshd.start()
    assert "VirtualService" not in (meshd.source("kinds") or {})
    own_cluster.define(PAGE.read_text())
    own_cluster.apply(SLOW.replace("NAME", "web"))
    wait_for(lambda: meshd.has_slow_route("web"), "the route has a timeout", LATER)
    own_cluster.kubectl("delete", "customresourcedefinition", "virtualservices.networking.istio.io")
    wait_for(lambda: not meshd.has_slow_route("web"), "the route is as it was", LATER)
    wait_for(lambda: "VirtualService" not in (meshd.source("kinds") or {}), "the kind is gone", LATER)
    meshd.wait_for_endpoints("web", ["10.9.9.9"])
    assert [] == meshd.status()["problems"]


def test_the_directory_goes_before_the_api_server(cluster: Cluster, meshd: Meshd):
    """With both at once: what only one has is served, of what both have the directory's, and a Problem tells of the other."""
    cluster.apply(service("both", "10.9.9.1"), service("there", "10.9.9.2"))
    meshd.write("own.yaml", service("both", "10.9.9.3").replace("spec: {", "spec: {clusterIP: 10.7.7.7, "))
    meshd.read(cluster.kubeconfig, "[directory, kubernetes]")
    meshd.start()
    meshd.wait_for_endpoints("both", ["10.9.9.3"])
    meshd.wait_for_endpoints("there", ["10.9.9.2"])
    doubles = [problem for problem in meshd.status()["problems"] if "expected each resource once" in problem["message"]]
    assert ["kubernetes/EndpointSlice/default/both-1", "kubernetes/Service/default/both"] == sorted(problem["file"] for problem in doubles)
    cluster.kubectl("delete", "service,endpointslice", "both", "both-1", "there", "there-1", "--ignore-not-found")


def test_needs_no_more_than_the_manifest_permits(cluster: Cluster, meshd: Meshd):
    """The service account of the manifest reads all there is; where a right is withdrawn, a Problem tells of that kind, and the rest works."""
    cluster.apply(RBAC.read_text(), service("web"))
    meshd.read(cluster.write_kubeconfig("meshd", token=cluster.token("meshd", "meshd-system")))
    meshd.start()
    meshd.wait_for_endpoints("web", ["10.9.9.9"])
    assert [] == meshd.status()["problems"]
    documents = list(yaml.safe_load_all(RBAC.read_text()))
    for document in documents:
        if document["metadata"]["name"] == "meshd-reader" and document["kind"] == "ClusterRole":
            document["rules"] = [rule for rule in document["rules"] if rule["apiGroups"] != ["gateway.networking.k8s.io"]]
    cluster.kubectl("delete", "clusterrole", "meshd-reader")
    cluster.apply(yaml.safe_dump_all(documents))
    meshd.stop()
    (meshd.folder / "state" / "kubernetes.sqlite").unlink()
    meshd.start()
    problems = meshd.status()["problems"]
    assert {"warning"} == {problem["severity"] for problem in problems}
    assert 7 == sum("gateway.networking.k8s.io" in problem["message"] and "403 Forbidden" in problem["message"] for problem in problems)
    meshd.wait_for_endpoints("web", ["10.9.9.9"])
    cluster.kubectl("delete", "service,endpointslice", "web", "web-1", "--ignore-not-found")

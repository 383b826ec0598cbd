"""What the tests' own Kubernetes does: it is the real one, and what tests do to it has the effect they mean."""

import subprocess
import sys

import pytest

from tests.helpers.daemon import is_alive
from tests.helpers.source_tree import ROOT
from tests.helpers.waiting import wait_for
from tests.kubernetes.building import version
from tests.kubernetes.cluster import RefusedError

SHORT_LIVED = """
import pathlib, sys, tempfile
from tests.kubernetes.cluster import running_cluster
with tempfile.TemporaryDirectory() as folder, running_cluster(pathlib.Path(folder)) as cluster:
    print(*cluster.pids(), flush=True)
    sys.stdin.read()
"""


def test_is_the_version_that_is_pinned(cluster):
    """The API server tells it, and kubectl understands."""
    assert f"v{version()}" == cluster.ask("GET", "/version")["gitVersion"]
    assert f"Server Version: v{version()}" in cluster.kubectl("version")


def test_serves_the_kinds_of_the_mesh(cluster, namespace):
    """A VirtualService is kept with all its fields, and found under every version."""
    spec = {"hosts": ["reviews"], "http": [{"route": [{"destination": {"host": "reviews"}}]}]}
    path = f"apis/networking.istio.io/{{}}/namespaces/{namespace}/virtualservices"
    body = {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "metadata": {"name": "reviews"}, "spec": spec}
    cluster.ask("POST", "/" + path.format("v1"), body)
    assert spec == cluster.ask("GET", "/" + path.format("v1alpha3") + "/reviews")["spec"]


def test_pods_get_a_token(cluster, namespace):
    """The API server itself gives pods the volume with their service account's token, authority and namespace, as everywhere."""
    wait_for(lambda: "default" in cluster.kubectl("get", "serviceaccounts", "-n", namespace), "a service account")
    cluster.kubectl("run", "web", "--image=nginx", "-n", namespace)
    (volume,) = cluster.ask("GET", f"/api/v1/namespaces/{namespace}/pods/web")["spec"]["volumes"]
    assert ["serviceAccountToken", "configMap", "downwardAPI"] == [next(iter(source)) for source in volume["projected"]["sources"]]


def test_service_accounts_may_do_what_they_were_given(cluster, namespace):
    """One that may list services may not list secrets."""
    token = cluster.service_account("reader", [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}], namespace)
    kubeconfig = cluster.write_kubeconfig(f"reader-{namespace}", token=token)
    assert "kubernetes" in cluster.kubectl("get", "services", "-n", "default", kubeconfig=kubeconfig)
    with pytest.raises(RefusedError, match="cannot list resource"):
        cluster.kubectl("get", "secrets", "-n", "default", kubeconfig=kubeconfig)


def test_forgets_what_etcd_forgot(own_cluster):
    """A watch from before a compaction ends with 410 once the API server was restarted; what was written is still there."""
    own_cluster.kubectl("create", "configmap", "kept")
    before = own_cluster.ask("GET", "/api/v1/configmaps")["metadata"]["resourceVersion"]
    own_cluster.kubectl("create", "configmap", "later")
    own_cluster.compact()
    own_cluster.restart_api_server()
    watched = own_cluster.kubectl("get", "--raw", f"/api/v1/configmaps?watch=1&timeoutSeconds=5&resourceVersion={before}")
    assert '"code":410' in watched
    assert {"kept", "later"} <= set(own_cluster.kubectl("get", "configmaps", "-o", "name").replace("configmap/", "").split())


def test_ends_when_the_test_does():
    """Even killed, whoever started a cluster leaves no process behind."""
    starter = subprocess.Popen([sys.executable, "-c", SHORT_LIVED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True)
    pids = [int(pid) for pid in starter.stdout.readline().split()]
    assert 3 == len(pids)
    assert all(is_alive(pid) for pid in pids)
    starter.kill()
    starter.communicate()
    wait_for(lambda: not any(is_alive(pid) for pid in pids), "its processes have ended")

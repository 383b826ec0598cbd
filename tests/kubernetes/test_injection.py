"""Sidecars as a real API server has them put into pods, and resources that it has judged."""

import base64
import json
from collections.abc import Iterator

import pytest

from tests.helpers.waiting import wait_for
from tests.kubernetes.cluster import Cluster, RefusedError, running_cluster
from tests.kubernetes.definitions import PAGE
from tests.kubernetes.webhook import INJECTOR, Webhook

WORKLOADS = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: deployment}
spec: {selector: {matchLabels: {app: web}}, template: &template {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: nginx}]}}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: stateful}
spec: {serviceName: web, selector: {matchLabels: {app: web}}, template: TEMPLATE}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: daemons}
spec: {selector: {matchLabels: {app: web}}, template: TEMPLATE}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: replicas}
spec: {selector: {matchLabels: {app: web}}, template: TEMPLATE}
---
apiVersion: v1
kind: ReplicationController
metadata: {name: replication}
spec: {selector: {app: web}, template: TEMPLATE}
---
apiVersion: batch/v1
kind: Job
metadata: {name: job}
spec: {template: {metadata: {labels: {app: web}}, spec: {restartPolicy: Never, containers: [{name: app, image: nginx}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: cron}
spec: {schedule: "* * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: app, image: nginx}]}}}}}
---
apiVersion: v1
kind: Pod
metadata: {name: pod}
spec: {containers: [{name: app, image: nginx}]}
""".replace("&template ", "").replace("TEMPLATE", "{metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: nginx}]}}")
ALL = (
    "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Pod",
)
BAD = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: bad}
spec: {hosts: [reviews], http: [{route: [{destination: {host: reviews}}], timeout: soon}]}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a cluster whose pods the tests of this file have injected."""
    with running_cluster(tmp_path_factory.mktemp("injection")) as cluster:
        cluster.define(PAGE.read_text())
        cluster.kubectl("create", "namespace", "istio-system")
        for name, labels in (("mesh", ["istio-injection=enabled"]), ("plain", []), ("out", ["istio-injection=disabled"])):
            cluster.kubectl("create", "namespace", name)
            if labels:
                cluster.kubectl("label", "namespace", name, *labels)
            wait_for(lambda name=name: "default" in cluster.kubectl("get", "serviceaccounts", "-n", name), "a service account")
        yield cluster


@pytest.fixture(scope="module")
def webhook(own: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhook]:
    """Give a webhook that the API server asks."""
    found = Webhook(own, tmp_path_factory.mktemp("webhook"), "--image", "example.com/meshd:1")
    found.start()
    found.meshctl("webhook", "install", "--url", found.url)
    try:
        yield found
    finally:
        found.program.stop()


@pytest.fixture
def mistreated(webhook: Webhook) -> Iterator[Webhook]:
    """Give it to a test that stops it, or changes what the API server knows of it; both are as before afterwards."""
    yield webhook
    webhook.program.stop()
    webhook.start()
    webhook.meshctl("webhook", "install", "--url", webhook.url, "--force")


def containers(pod):
    """Give the names of a pod's containers."""
    return [one["name"] for one in pod["spec"]["containers"]]


def run(cluster, namespace, name, *options):
    """Make a pod and give it as the API server has it."""
    cluster.kubectl("run", name, "--image=nginx", "-n", namespace, *options)
    return cluster.ask("GET", f"/api/v1/namespaces/{namespace}/pods/{name}")


@pytest.mark.parametrize("options", [
    (), ("--native-sidecar", "--pull-policy", "Always", "--pull-secret", "registry"), ("--hold-application",),
], ids=["plain", "native", "hold"])
def test_injected_files_are_valid(own, webhook, options):
    """The API server takes every kind with its sidecar, and with annotations of every sort."""
    text = webhook.meshctl("inject", "-f", "-", "-n", "plain", *options, stdin=WORKLOADS)
    assert len(ALL) == text.count("- name: istio-proxy")
    said = own.kubectl("apply", "--dry-run=server", "-n", "plain", "-f", "-", stdin=text)
    assert len(ALL) == said.count("created (server dry run)")


def test_a_labelled_namespace(own, webhook):
    """The article's first steps: its label, a deployment, and each of its pods has a sidecar that knows who it is."""
    own.kubectl("create", "deployment", "my-nginx", "--image=nginx", "--replicas=2", "-n", "mesh")
    path = "/api/v1/namespaces/mesh/pods?labelSelector=app%3Dmy-nginx"
    wait_for(lambda: len(own.ask("GET", path)["items"]) == 2, "two pods")
    for pod in own.ask("GET", path)["items"]:
        assert ["nginx", "istio-proxy"] == containers(pod)
        annotations = pod["metadata"]["annotations"]
        node = json.loads(annotations["meshd.io/node"])
        assert ("my-nginx", "mesh", "kubernetes") == (node["metadata"]["name"], node["spec"]["namespace"], node["spec"]["source"])
        assert pod["metadata"]["labels"] == node["spec"]["labels"]
        assert "my-nginx" == pod["metadata"]["labels"]["service.istio.io/canonical-name"]
        assert "example.com/meshd:1" == pod["spec"]["containers"][1]["image"]


@pytest.mark.parametrize(("namespace", "options", "expected"), [
    ("plain", (), False),
    ("plain", ("--labels", "sidecar.istio.io/inject=true"), True),
    ("plain", ("--annotations", "sidecar.istio.io/inject=true"), False),
    ("mesh", (), True),
    ("mesh", ("--labels", "sidecar.istio.io/inject=false"), False),
    ("mesh", ("--annotations", "sidecar.istio.io/inject=false"), False),
    ("mesh", ("--overrides", '{"apiVersion": "v1", "spec": {"hostNetwork": true}}'), False),
    ("out", ("--labels", "sidecar.istio.io/inject=true"), False),
    ("istio-system", ("--labels", "sidecar.istio.io/inject=true"), False),
])
def test_who_is_injected(own, webhook, namespace, options, expected):
    """Labels of namespaces and pods choose."""
    wait_for(lambda: "default" in own.kubectl("get", "serviceaccounts", "-n", namespace), "a service account")
    name = f"who-{abs(hash((namespace, options))) % 10**8}"
    assert (["who", "istio-proxy"] if expected else ["who"]) == [one.replace(name, "who") for one in containers(run(own, namespace, name, *options))]


def test_a_malformed_annotation_is_refused(own, webhook):
    """Whoever makes the pod reads what is wrong."""
    with pytest.raises(RefusedError, match=r"annotations\[sidecar.istio.io/proxyCPU\]: expected an amount such as 100m or 128Mi, got 'lots'"):
        run(own, "mesh", "lots", "--annotations", "sidecar.istio.io/proxyCPU=lots")


def test_warnings_reach_kubectl(own, webhook):
    """What has no effect is told, and nothing else happens."""
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "warned", "annotations": {"sidecar.istio.io/logLevel": "debug"}},
            "spec": {"containers": [{"name": "app", "image": "nginx"}]}}
    pod = own.ask("POST", "/api/v1/namespaces/mesh/pods", body)
    assert ["app", "istio-proxy"] == containers(pod)


def test_resources_of_the_mesh_are_judged(own, webhook):
    """A VirtualService that meshd could not use is refused with meshd's words; a good one is not."""
    with pytest.raises(RefusedError, match=r"spec.http\[0\].timeout: expected a duration of at least 0.001s such as 10s or 250ms"):
        own.kubectl("apply", "-n", "plain", "-f", "-", stdin=BAD)
    own.kubectl("apply", "-n", "plain", "-f", "-", stdin=BAD.replace("soon", "10s"))


def test_without_the_webhook(own, mistreated):
    """No pod without its sidecar; or pods without, where that was chosen."""
    mistreated.program.stop()
    with pytest.raises(RefusedError, match="failed calling webhook"):
        run(own, "mesh", "refused")
    assert ["elsewhere"] == containers(run(own, "plain", "elsewhere"))
    mistreated.meshctl("webhook", "install", "--url", mistreated.url, "--failure-policy", "Ignore")
    assert ["ignored"] == containers(run(own, "mesh", "ignored"))


def test_a_new_authority_is_believed(own, mistreated):
    """It is made where there is none, and the API server learns of it."""
    [before] = mistreated.bundles()
    mistreated.program.stop()
    own.kubectl("delete", "secret", "meshd-webhook-ca", "-n", "istio-system")
    mistreated.start()
    wait_for(lambda: mistreated.bundles() != {before}, "another authority")
    assert 1 == len(mistreated.bundles())
    assert ["renewed", "istio-proxy"] == containers(run(own, "mesh", "renewed"))


def test_an_authority_that_ends_is_renewed(own, mistreated):
    """The old one is believed beside the new one."""
    mistreated.program.stop()
    script = (
        "import sys; from datetime import datetime, timedelta, UTC; from meshd.webhook.authority import make_authority;"
        "found = make_authority(datetime.now(UTC) - timedelta(days=3500)); print(found.bundle, found.key, sep='@')"
    )
    bundle, key = mistreated.python(script).split("@")
    content = {"ca.crt": base64.b64encode(bundle.encode()).decode(), "ca.key": base64.b64encode(key.encode()).decode()}
    secret = "/api/v1/namespaces/istio-system/secrets/meshd-webhook-ca"
    own.ask("PATCH", secret, {"data": content}, "application/merge-patch+json")
    mistreated.start()
    [found] = mistreated.bundles()
    assert (2, True) == (found.count("BEGIN CERTIFICATE"), found.endswith(bundle.strip() + "\n"))
    assert ["older", "istio-proxy"] == containers(run(own, "mesh", "older"))


def test_an_istio_is_not_overwritten(own, mistreated):
    """What somebody else set stays, until force is used."""
    theirs = mistreated.meshctl("webhook", "print", "--url", "https://istiod.example.com:15017/inject", "--validation-policy", "off")
    own.apply(theirs)
    with pytest.raises(RefusedError, match="somebody else set these fields; --force takes them over"):
        mistreated.meshctl("webhook", "install", "--url", mistreated.url)
    mistreated.meshctl("webhook", "install", "--url", mistreated.url, "--force")
    assert ["forced", "istio-proxy"] == containers(run(own, "mesh", "forced"))


def test_runs_with_the_rights_that_install_gives(own, mistreated, tmp_path):
    """In the cluster it is a service account that may do little more than look after its certificates."""
    mistreated.meshctl("webhook", "uninstall")
    said = mistreated.meshctl("webhook", "install", "--replicas", "0", "--failure-policy", "Ignore")
    assert "applied: Deployment istio-system/meshd-webhook" in said
    token = own.token("meshd-webhook", "istio-system")
    inside = Webhook(own, tmp_path, kubeconfig=own.write_kubeconfig("webhook", token=token))
    [before] = mistreated.bundles()
    own.kubectl("delete", "secret", "meshd-webhook-ca", "-n", "istio-system")
    inside.start()
    wait_for(lambda: mistreated.bundles() != {before}, "another authority")
    inside.program.stop()
    assert "mesh" in own.kubectl("get", "namespaces", kubeconfig=own.folder / "webhook.kubeconfig")
    for resource in ("configmaps", "secrets", "deployments"):
        with pytest.raises(RefusedError, match="cannot list resource"):
            own.kubectl("get", resource, "-n", "default", kubeconfig=own.folder / "webhook.kubeconfig")
    said = mistreated.meshctl("webhook", "uninstall")
    assert 11 == said.count("deleted: ")
    assert INJECTOR not in own.kubectl("get", "mutatingwebhookconfigurations", "-o", "name")


HOSTILE = {
    "garbage": b"\x00\xff", "no review": b"{}", "wrong version": b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1beta1"}',
    "no uid": b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {}}', "deep": b"[" * 100_000,
    "a number": b"1" * 10_000, "nothing": b"",
}


def test_hostile_reviews(own, webhook):
    """Each is answered with what was expected, one that is too long before it is whole; the next pod gets its sidecar."""
    assert dict.fromkeys(HOSTILE, 400) == {name: webhook.ask("POST", "/inject", body)[0] for name, body in HOSTILE.items()}
    assert (413, 404, 405, 415) == (
        webhook.ask("POST", "/inject", b" " * (7 * 2**20))[0], webhook.ask("POST", "/other", b"{}")[0], webhook.ask("PUT", "/inject", b"{}")[0],
        webhook.ask("POST", "/inject", b"{}", "text/plain")[0],
    )
    assert ["after", "istio-proxy"] == containers(run(own, "mesh", "after"))
    assert "Traceback" not in webhook.program.log.read_text()


def test_a_webhook_that_is_no_longer_wanted_goes(own, mistreated):
    """Also where the process had written a new authority into it."""
    mistreated.meshctl("webhook", "install", "--url", mistreated.url, "--enable-by-default")
    assert ["everywhere", "istio-proxy"] == containers(run(own, "plain", "everywhere"))
    mistreated.program.stop()
    own.kubectl("delete", "secret", "meshd-webhook-ca", "-n", "istio-system")
    [before] = mistreated.bundles()
    mistreated.start()
    wait_for(lambda: before not in mistreated.bundles(), "another authority")
    mistreated.meshctl("webhook", "install", "--url", mistreated.url)
    assert ["elsewhere-again"] == containers(run(own, "plain", "elsewhere-again"))

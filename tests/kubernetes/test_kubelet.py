"""The stand-in for kubelet: pods become namespaces and processes as their specs say, and kubectl works with them."""

import subprocess
import sys

import pytest

from tests.helpers.isolation import obstacles
from tests.helpers.source_tree import ROOT

pytestmark = pytest.mark.skipif(bool(obstacles()), reason="; ".join(obstacles()))

POD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: green, greeting.txt: hello from a file}
---
apiVersion: v1
kind: Pod
metadata: {name: all, labels: {app: all}, annotations: {example.com/note: a "note"}}
spec:
  terminationGracePeriodSeconds: 5
  initContainers:
  - name: first
    image: tool
    command: [sh, -c, "echo made by $(WHO) > /shared/made; grep CapEff /proc/self/status"]
    env: [{name: WHO, value: first}]
    securityContext: {capabilities: {drop: [ALL], add: [NET_ADMIN]}, allowPrivilegeEscalation: false}
    volumeMounts: [{name: shared, mountPath: /shared}]
  - name: beside
    image: tool
    restartPolicy: Always
    command: [sh, -c, "sleep 1; touch /shared/started; trap exit TERM; while :; do sleep 0.1; done"]
    startupProbe: {exec: {command: [test, -e, /shared/started]}, periodSeconds: 1, failureThreshold: 30}
    volumeMounts: [{name: shared, mountPath: /shared}]
  containers:
  - name: web
    image: nginx:1.27
    ports: [{name: http, containerPort: 80}]
    readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
  - name: tool
    image: tool
    command: [sh]
    args: [-c, "ls /shared; echo printed; echo more > /dev/stdout; trap 'echo ended; exit' TERM; while :; do sleep 0.1; done"]
    env:
    - {name: NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
    - {name: ADDRESS, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
    - {name: COLOUR, valueFrom: {configMapKeyRef: {name: settings, key: colour}}}
    lifecycle: {preStop: {exec: {command: [sh, -c, "echo stopping"]}}}
    securityContext: {runAsUser: 1337, runAsGroup: 1337, readOnlyRootFilesystem: true}
    volumeMounts:
    - {name: shared, mountPath: /shared}
    - {name: about, mountPath: /etc/about}
    - {name: settings, mountPath: /etc/settings, readOnly: true}
  volumes:
  - {name: shared, emptyDir: {}}
  - {name: settings, configMap: {name: settings}}
  - name: about
    downwardAPI:
      items:
      - {path: note, fieldRef: {fieldPath: "metadata.annotations['example.com/note']"}}
      - {path: labels, fieldRef: {fieldPath: metadata.labels}}
"""

SCRIPT = """
set -e
part() { echo "== $1"; }
kubectl apply -f - > /dev/null
kubectl wait --for=condition=ready pod/all --timeout=30s
part first; kubectl logs all -c first
part tool; kubectl logs all -c tool
part inside; kubectl exec all -c tool -- sh -c '
    echo $NAME $ADDRESS $COLOUR $(id -u):$(id -g) $(hostname)
    cat /shared/made /etc/about/note /etc/about/labels /etc/settings/greeting.txt; echo
    ls /var/run/secrets/kubernetes.io/serviceaccount
    touch /x 2>&1 || true; touch /etc/settings/x 2>&1 || true; touch /shared/mine; ls /proc | grep -c "^[0-9]"'
part status; kubectl exec all -c tool -- sh -c 'exit 7' || echo $?
part input; echo given | kubectl exec -i all -c tool -- cat
part web; kubectl exec all -c web -- curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1/
part server; kubectl exec all -c web -- sh -c 'curl -sk https://$KUBERNETES_SERVICE_HOST/version | grep -c gitVersion'
part killed; kubectl exec all -c tool -- kill 1 || true
kubectl exec all -c web -- kill 1 || true
until kubectl get pod all -o jsonpath='{.status.containerStatuses[*].restartCount}' | grep '1 1'; do sleep 0.1; done
kubectl wait --for=condition=ready pod/all --timeout=30s
part end; kubectl logs -f all -c tool > log & kubectl delete pod all -o name; wait; tail -n 2 log; ip netns list
"""


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """Give what the script printed, by its parts."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.kubernetes.stage", "sh", "-c", f"cd {tmp_path_factory.mktemp('stage')}\n{SCRIPT}"],
        input=POD, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False,
    )
    assert 0 == ran.returncode, (ran.stdout, ran.stderr)
    parts = [part.split("\n", 1) for part in ran.stdout.split("== ")[1:]]
    return {name: text.rstrip("\n").split("\n") for name, text in parts}


@pytest.mark.parametrize(("part", "expected"), [
    ("first", ["CapEff:\t0000000000001000"]),
    ("tool", ["made", "started", "printed", "more"]),
    ("status", ["7"]),
    ("input", ["given"]),
    ("web", ["200"]),
    ("server", ["1"]),
    ("end", ['pod/all', "stopping", "ended"]),
])
def test_part(printed, part, expected):
    """What kubectl printed of it."""
    assert expected == printed[part]


def test_inside(printed):
    """User, environment, files, and what it may write are as the spec says."""
    assert [
        "all 172.17.0.2 green 1337:1337 all", "made by first", 'a "note"app="all"', 'topology.kubernetes.io/region="here"',
        'topology.kubernetes.io/zone="a"', "hello from a file",
        "ca.crt", "namespace", "token",
        "touch: cannot touch '/x': Read-only file system", "touch: cannot touch '/etc/settings/x': Read-only file system",
    ] == printed["inside"][:-1]
    assert int(printed["inside"][-1]) < 10


def test_containers_that_end_are_started_again(printed):
    """Each had one more life, and was ready again."""
    assert ["1 1", "pod/all condition met"] == printed["killed"][-2:]

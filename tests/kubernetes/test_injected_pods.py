"""The article's first steps on a node: a webhook in the cluster, a label, a deployment; and pods whose sidecars serve."""

import re
import subprocess
import sys

import pytest

from tests.helpers.isolation import obstacles
from tests.helpers.source_tree import ROOT

pytestmark = pytest.mark.skipif(bool(obstacles()), reason="; ".join(obstacles()))

SCRIPT = """
set -e
part() { echo "== $1"; }
meshctl webhook install --image meshd --replicas 1 > /dev/null
kubectl wait -n istio-system --for=condition=available deployment/meshd-webhook --timeout=60s > /dev/null
kubectl label namespace default istio-injection=enabled > /dev/null
kubectl create deployment my-nginx --image=nginx > /dev/null
kubectl create deployment ubuntu --image=ubuntu > /dev/null
kubectl wait --for=condition=available deployment --all --timeout=90s > /dev/null
client=$(kubectl get pods -l app=ubuntu -o name)
server=$(kubectl get pods -l app=my-nginx -o name)
address=$(kubectl get $server -o jsonpath='{.status.podIP}')
part pods; kubectl get pods -o jsonpath='{range .items[*]}{.metadata.labels.app}{": "}{.spec.containers[*].name}{"\\n"}{end}'
part rules; kubectl logs $client -c meshd-init
part who; kubectl exec $client -c istio-proxy -- sh -c 'id -u; grep CapEff /proc/self/status; touch /usr/x 2>&1 || true'
part call; kubectl exec $client -c ubuntu -- curl -s -o /dev/null -w '%{http_code}\\n' http://$address/
part status; kubectl exec $client -c istio-proxy -- meshctl status | sed -n '2p;/^capture/p'
sleep 1
part client; kubectl logs $client -c istio-proxy | grep $address:80
part server; kubectl logs $server -c istio-proxy | grep '"GET / HTTP/1.1" 200'
"""


@pytest.fixture(scope="module")
def printed():
    """Give what the script printed, by its parts."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.kubernetes.stage", "bash", "-c", SCRIPT],
        capture_output=True, text=True, cwd=ROOT, timeout=300, check=False,
    )
    assert 0 == ran.returncode, (ran.stdout, ran.stderr)
    parts = [part.split("\n", 1) for part in ran.stdout.split("== ")[1:]]
    return {name: text.rstrip("\n").split("\n") for name, text in parts}


def test_every_pod_of_the_namespace_has_its_sidecar(printed):
    """Put there by the webhook, which is a pod itself."""
    assert ["my-nginx: nginx istio-proxy", "ubuntu: ubuntu istio-proxy"] == sorted(printed["pods"])


def test_only_the_init_step_has_rights(printed):
    """It applies the rules; the sidecar is nobody, and writes nowhere but where it must."""
    assert ["capture rules are in the kernel (nftables); applied"] == printed["rules"]
    assert ["1337", "CapEff:\t0000000000000000", "touch: cannot touch '/usr/x': Read-only file system"] == printed["who"]


def test_calls_go_through_both_sidecars(printed):
    """Their access logs are where kubectl finds them."""
    assert ["200"] == printed["call"]
    assert "capture: by init" == printed["status"][1]
    assert re.fullmatch(r"node ubuntu\.default \(172\.17\.0\.\d+\), from node\.json:1 \(Node ubuntu\)", printed["status"][0])
    assert printed["client"][0].startswith("[") and printed["server"][0].startswith("[")

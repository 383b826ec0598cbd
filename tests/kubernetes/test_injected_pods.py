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
variant() { kubectl create deployment "$1" --image=nginx --dry-run=client -o yaml |
    kubectl patch --local -f - -o yaml --type=merge -p "{\\"spec\\": {\\"template\\": {\\"metadata\\": {\\"annotations\\": {\\"$2\\": \\"$3\\"}}}}}" |
    kubectl apply -f - > /dev/null; }
variant waits proxy.istio.io/config 'holdApplicationUntilProxyStarts: true'
variant native sidecar.istio.io/nativeSidecar true
kubectl wait --for=condition=available deployment --all --timeout=90s > /dev/null
client=$(kubectl get pods -l app=ubuntu -o name)
server=$(kubectl get pods -l app=my-nginx -o name)
address=$(kubectl get $server -o jsonpath='{.status.podIP}')
part pods; kubectl get pods -o jsonpath='{range .items[*]}{.metadata.labels.app}{": "}{.spec.containers[*].name}{"\\n"}{end}'
part first; kubectl get pods -l app=waits -o jsonpath='{.items[0].spec.containers[*].name}{"\\n"}'
waiting=$(kubectl get pods -l app=waits -o name)
kubectl exec $client -c ubuntu -- curl -s -o /dev/null -w '%{http_code}\\n' \
    http://$(kubectl get pods -l app=native -o jsonpath='{.items[0].status.podIP}')/
kubectl exec $waiting -c istio-proxy -- meshctl wait --timeout 1 && echo ready
part rules; kubectl logs $client -c meshd-init
part who; kubectl exec $client -c istio-proxy -- sh -c 'id -u; grep CapEff /proc/self/status; touch /usr/x 2>&1 || true'
part call; kubectl exec $client -c ubuntu -- curl -s -o /dev/null -w '%{http_code}\\n' http://$address/
part status; kubectl exec $client -c istio-proxy -- meshctl status | sed -n '2p;/^capture/p'
logged() { for _ in $(seq 100); do kubectl logs "$1" -c istio-proxy | grep "$2" && return; sleep 0.1; done; false; }
part client; logged $client $address:80
part server; logged $server '"GET / HTTP/1.1" 200'
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
    assert ["my-nginx: nginx istio-proxy", "native: nginx", "ubuntu: ubuntu istio-proxy", "waits: istio-proxy nginx"] == sorted(printed["pods"])


def test_the_application_may_wait(printed):
    """For a sidecar that is the first container, or an init container that stays."""
    assert ["istio-proxy nginx", "200", "ready"] == printed["first"]


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

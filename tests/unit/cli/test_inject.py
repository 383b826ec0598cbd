"""`meshctl inject`."""

import json

import pytest

from meshd.cli.inject import labels_of_namespaces
from meshd.sources.rewriting import read_parts
from tests.helpers.command_line import meshctl

SERVICE = "apiVersion: v1\nkind: Service   # stays\nmetadata: {name: web}\n"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: app, image: nginx, args: ["y"]}]}
"""
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: bare}\nspec: {hostNetwork: true, containers: [{name: app, image: nginx}]}\n"


def documents(text):
    """Give the documents of a text."""
    return [part.document.body for part in read_parts(text.encode(), "a.yaml") if part.document]


def test_workloads_are_injected_and_all_else_stays(tmp_path):
    """In order, byte by byte."""
    (tmp_path / "a.yaml").write_text(f"{SERVICE}---\n{DEPLOYMENT}---\n{POD}")
    result = meshctl("inject", "-f", str(tmp_path / "a.yaml"), "--image", "example.com/meshd:1")
    assert 0 == result.exit_code
    assert result.stdout.startswith(f"{SERVICE}---\n") and result.stdout.endswith(f"---\n{POD}")
    deployment = documents(result.stdout)[1]
    containers = deployment["spec"]["template"]["spec"]["containers"]
    assert [("app", "nginx"), ("istio-proxy", "example.com/meshd:1")] == [(one["name"], one["image"]) for one in containers]
    assert ["y"] == containers[0]["args"]
    assert f"{tmp_path}/a.yaml:14 (Pod default/bare): no sidecar: it has its machine's network (hostNetwork)," in result.stderr


def test_standard_input_and_a_second_time():
    """What comes out goes in again and stays."""
    once = meshctl("inject", "-f", "-", standard_input=f"{SERVICE}---\n{DEPLOYMENT}").stdout
    twice = meshctl("inject", "-f", "-", standard_input=once)
    assert (0, once) == (twice.exit_code, twice.stdout)
    assert "it has a sidecar already" in twice.stderr


def test_directories(tmp_path):
    """Every file of them, with markers between."""
    (tmp_path / "a.yaml").write_text(DEPLOYMENT)
    (tmp_path / "b.yaml").write_text(SERVICE)
    result = meshctl("inject", "-f", str(tmp_path))
    assert ["Deployment", "Service"] == [document["kind"] for document in documents(result.stdout)]


def test_json_out():
    """One value after the other."""
    result = meshctl("inject", "-f", "-", "-o", "json", standard_input=POD)
    assert "Pod" == json.loads(result.stdout)["kind"]


def test_json_in(tmp_path):
    """Becomes YAML that kubectl reads."""
    (tmp_path / "a.json").write_text(json.dumps(documents(DEPLOYMENT)[0]))
    [found] = documents(meshctl("inject", "-f", str(tmp_path / "a.json")).stdout)
    assert 2 == len(found["spec"]["template"]["spec"]["containers"])


def test_explain():
    """A row for each workload instead."""
    result = meshctl("inject", "-f", "-", "--explain", standard_input=f"{DEPLOYMENT}---\n{POD}")
    assert (
        "WORKLOAD                               SIDECAR     REASON\n"
        "<stdin>:1 (Deployment default/web)     yes         nothing speaks against it\n"
        "<stdin>:10 (Pod default/bare)          no          it has its machine's network (hostNetwork), whose connections are not its own\n"
    ) == result.stdout
    found = json.loads(meshctl("inject", "-f", "-", "--explain", "-o", "json", standard_input=POD).stdout)
    assert [("Pod default/bare", "<stdin>:1", False)] == [(one["workload"], one["place"], one["sidecar"]) for one in found]


def test_a_malformed_annotation_prints_nothing():
    """So that nothing is applied without its sidecar."""
    wrong = DEPLOYMENT.replace("{labels:", "{annotations: {sidecar.istio.io/proxyCPU: lots}, labels:")
    result = meshctl("inject", "-f", "-", standard_input=f"{SERVICE}---\n{wrong}")
    assert (1, "") == (result.exit_code, result.stdout)
    assert (
        "<stdin>:11 (Deployment default/web): spec.template.metadata.annotations[sidecar.istio.io/proxyCPU]: "
        "expected an amount such as 100m or 128Mi, got 'lots'\n"
    ) == result.stderr
    explained = meshctl("inject", "-f", "-", "--explain", standard_input=wrong)
    assert (1, True) == (explained.exit_code, "no          expected an amount" in explained.stdout)


def test_a_warning_goes_to_standard_error():
    """And the workload is injected."""
    odd = DEPLOYMENT.replace("{labels:", "{annotations: {sidecar.istio.io/logLevel: debug}, labels:")
    result = meshctl("inject", "-f", "-", standard_input=odd)
    assert (0, True) == (result.exit_code, "istio-proxy" in result.stdout)
    assert result.stderr.endswith("this annotation is not served yet and has no effect [warning]\n")


def test_labels_of_the_namespace_count():
    """Where the files hold them and they speak of sidecars."""
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: default, labels: {istio-injection: disabled}}\n"
    result = meshctl("inject", "-f", "-", standard_input=f"{namespace}---\n{DEPLOYMENT}")
    assert f"{namespace}---\n{DEPLOYMENT}" == result.stdout
    assert "no sidecar: the namespace's label istio-injection=disabled" in result.stderr
    silent = namespace.replace("istio-injection: disabled", "a: b")
    assert {} == labels_of_namespaces(part.document for part in read_parts(silent.encode(), "a.yaml") if part.document)


def test_namespace_option():
    """Of workloads that name none."""
    result = meshctl("inject", "-f", "-", "-n", "kube-system", standard_input=DEPLOYMENT)
    assert (DEPLOYMENT, True) == (result.stdout, "the namespace kube-system is Kubernetes' own" in result.stderr)


@pytest.mark.parametrize(("arguments", "text", "status", "said"), [
    (("-f", "-"), "a: [", 1, "meshctl: <stdin>:2: expected YAML, got a fault"),
    (("-f", "/nowhere.yaml"), "", 1, "expected a readable file"),
    ((), "", 2, "Missing option '-f'"),
])
def test_what_cannot_be_read(arguments, text, status, said):
    """Ends with one line."""
    result = meshctl("inject", *arguments, standard_input=text)
    assert (status, True) == (result.exit_code, said in result.stderr), result.stderr

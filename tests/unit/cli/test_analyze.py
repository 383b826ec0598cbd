"""`meshctl analyze`."""

import json

import pytest

from tests.helpers.command_line import BROKEN, meshctl, write_mesh
from tests.helpers.small_worlds import to, virtual

LOST = virtual("lost", f"hosts: [lost], http: [{{{to('gone')}}}]")
SAID = (
    'Error [IST0101] (VirtualService default/lost {}:1) spec.http[0].route[0].destination.host: Referenced host not found: "gone"; '
    "correct the name, or add its Service or ServiceEntry, exported to this namespace\n"
)
PORT = "IST0118=Service my-nginx.default"


def test_says_what_is_likely_to_be_wrong(tmp_path):
    """A line each, as istioctl writes it; remarks alone are fine."""
    result = meshctl("analyze", write_mesh(tmp_path))
    assert (0, "") == (result.exit_code, result.stderr)
    assert result.stdout.startswith(f"Info [IST0118] (Service default/my-nginx {tmp_path}/mesh.yaml:16) spec.ports[0]: Port name ")
    result = meshctl("analyze", write_mesh(tmp_path, lost=LOST), "--suppress", PORT)
    assert (1, SAID.format(f"{tmp_path}/lost.yaml")) == (result.exit_code, result.stdout)


def test_says_so_where_nothing_is(tmp_path):
    """On standard error, so that there is nothing to read for a program."""
    result = meshctl("analyze", "--config-dir", write_mesh(tmp_path), "-S", "IST0118=Service *")
    assert (0, "", f"✔ No validation issues found when analyzing {tmp_path}.\n") == (result.exit_code, result.stdout, result.stderr)


def test_reads_files_together(tmp_path):
    """A host in one file is there for a route in another."""
    service = "{apiVersion: v1, kind: Service, metadata: {name: gone}, spec: {clusterIP: None, ports: [{name: http, port: 80}]}}"
    write_mesh(tmp_path, lost=LOST, found=service)
    lost, found = str(tmp_path / "lost.yaml"), str(tmp_path / "found.yaml")
    assert [1, 0] == [meshctl("analyze", lost).exit_code, meshctl("analyze", lost, "-f", found).exit_code]


def test_tells_of_documents_that_cannot_be_used(tmp_path):
    """With Istio's code for that."""
    result = meshctl("analyze", write_mesh(tmp_path, broken=BROKEN), "-S", PORT)
    assert 1 == result.exit_code
    said = f"Error [IST0106] (Service default/broken {tmp_path}/broken.yaml:6) spec.ports[0].port: Schema validation error: "
    assert result.stdout.startswith(said)


def test_standard_input():
    """For pipes; alone."""
    result = meshctl("analyze", "-", standard_input=LOST)
    assert (1, SAID.format("<stdin>")) == (result.exit_code, result.stdout)
    assert 2 == meshctl("analyze", "-", "other.yaml").exit_code


def test_as_json(tmp_path):
    """For programs, with the code apart."""
    result = meshctl("analyze", write_mesh(tmp_path, lost=LOST), "-o", "json", "--output-threshold", "error")
    assert [("IST0101", "VirtualService default/lost", 1)] == [
        (problem["code"], problem["resource"], problem["line"]) for problem in json.loads(result.stdout)["problems"]
    ]


@pytest.mark.parametrize(
    ("arguments", "status", "lines"),
    [
        (("--failure-threshold", "info"), 1, 1),
        (("--failure-threshold", "info", "--output-threshold", "warning"), 1, 0),
        (("--output-threshold", "warning"), 0, 0),
        (("--analyzer", "virtualservice.GatewayAnalyzer"), 0, 0),
        (("--analyzer", "service.PortNameAnalyzer"), 0, 1),
        (("--analyzer", "schema.ValidationAnalyzer"), 0, 0),
        (("--analyzer", "nobody"), 2, 0),
        (("--suppress", "IST0118"), 2, 0),
    ],
)
def test_what_is_shown_and_what_fails(tmp_path, arguments, status, lines):
    """Thresholds, single analyzers, and wrong words."""
    result = meshctl("analyze", write_mesh(tmp_path), *arguments)
    assert (status, lines) == (result.exit_code, len(result.stdout.splitlines()))


def test_names_the_analyzers():
    """Istio's names, and ours."""
    names = meshctl("analyze", "-L").stdout.splitlines()
    assert names == sorted(names)
    assert {"gateway.ConflictingGatewayAnalyzer", "meshd.EdgeProxyAnalyzer", "schema.ValidationAnalyzer"} <= set(names)

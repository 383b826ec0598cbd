"""Reading WorkloadGroups: templates and probes."""

import pytest

from meshd.base.locality import Locality
from meshd.model.workload_entry import Workload
from meshd.model.workload_group import Probe, WorkloadGroup
from tests.helpers.networking import WORKLOAD_GROUP, read, wrong


def test_reads_a_whole_workload_group():
    """Every field."""
    found = read(WorkloadGroup, WORKLOAD_GROUP)
    template = Workload("", {"http": 8080}, {"app": "web"}, "n1", Locality("eu"), 1, "web")
    probe = Probe("http", "127.0.0.1", 80, "/healthz", "HTTPS", (("x-a", "b"),), (), "", 5.0, 3.0, 4.0, 2, 6)
    assert WorkloadGroup(found.metadata, template, {"app": "web"}, {"note": "x"}, probe) == found
    assert [] == wrong(WorkloadGroup, WORKLOAD_GROUP)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        ("{httpGet: {port: 80}}", Probe("http", port=80)),
        ("{tcpSocket: {port: 80, host: a}}", Probe("tcp", "a", 80)),
        ("{exec: {command: [a, b]}}", Probe("exec", command=("a", "b"))),
        ("{grpc: {port: 80, service: a}}", Probe("grpc", port=80, service="a")),
        ("{tcpSocket: {port: 80}, periodSeconds: 0}", Probe("tcp", port=80)),
    ],
)
def test_reads_probes(probe, expected):
    """Each kind; 0 is the default, as in Kubernetes."""
    assert expected == read(WorkloadGroup, f"{{template: {{}}, probe: {probe}}}").probe


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{}", ["error spec.template: expected a template, got nothing"]),
        ("{template: 5}", ["error spec.template: expected a mapping, got the number 5"]),
        ("{template: {}, metadata: {labels: {a: 5}}}", ["error spec.metadata.labels.a: expected text, got the number 5; quote it"]),
        ("{template: {}, metadata: {name: a}}", ["warning spec.metadata.name: expected a known field, got name, which is ignored"]),
        ("{template: {}, probe: {}}", ["error spec.probe: expected one of httpGet, tcpSocket, exec, grpc, got none of them"]),
        ("{template: {}, probe: {tcpSocket: {port: 1}, exec: {command: [a]}}}", [
            "error spec.probe: expected one of httpGet, tcpSocket, exec, grpc, got tcpSocket and exec",
        ]),
        ("{template: {}, probe: {tcpSocket: {}}}", ["error spec.probe.tcpSocket.port: expected a number from 1 to 65535, got nothing"]),
        ("{template: {}, probe: {exec: {}}}", ["error spec.probe.exec.command: expected a command, got nothing"]),
        ("{template: {}, probe: {exec: {command: [5]}}}", ["error spec.probe.exec.command[0]: expected text, got the number 5; quote it"]),
        ("{template: {}, probe: {grpc: {port: a}}}", ["error spec.probe.grpc.port: expected a number from 1 to 65535, got 'a'"]),
        ("{template: {}, probe: {httpGet: {port: 1, scheme: FTP}}}", ["error spec.probe.httpGet.scheme: expected HTTP or HTTPS, got 'FTP'"]),
        ("{template: {}, probe: {httpGet: {port: 1, httpHeaders: [{name: '*'}]}}}", [
            "error spec.probe.httpGet.httpHeaders[0].name: expected a header's name of letters, digits, '-' and '_', got '*'",
        ]),
        ("{template: {}, probe: {httpGet: {port: 1}, periodSeconds: 5s}}", [
            "error spec.probe.periodSeconds: expected a number from 0 to 2147483647, got '5s'",
        ]),
        ("{template: {}, probe: {httpGet: {port: 1}, period: 5}}", [
            "warning spec.probe.period: expected a known field, got period, which is ignored",
        ]),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field."""
    assert expected == wrong(WorkloadGroup, spec)

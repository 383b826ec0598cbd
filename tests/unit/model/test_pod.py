"""Reading what discovery needs of Pods."""

import pytest

from meshd.model.pod import ContainerPort, Pod
from tests.helpers.resources import complaints_of, resources_of

HEAD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web-0, labels: {app: web}}\n"


def pod(text: str) -> Pod:
    """Return the Pod with this spec and status, which has nothing wrong."""
    [found] = resources_of(HEAD + text)
    assert isinstance(found, Pod)
    assert [] == complaints_of(HEAD + text)
    return found


def test_reads_a_pod():
    """The rest of its spec and status may be anything."""
    found = pod(
        "spec: {serviceAccountName: web, nodeName: n1, volumes: 7, anything: [], containers: [{name: c, ports: ["
        "{name: http, containerPort: 8080}, {containerPort: 53, protocol: UDP, hostPort: 1}]}, {name: d}],"
        " initContainers: [{name: i, ports: [{containerPort: 1}]}, {name: s, restartPolicy: Always, ports: [{name: m, containerPort: 2}]}]}\n"
        "status: {podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}, {ip: 'FD00::1'}], phase: Running, qosClass: x,"
        " conditions: [{type: Ready, status: 'True'}, {type: Initialized, status: 'True'}]}\n"
    )
    ports = (ContainerPort("http", 8080), ContainerPort("", 53, "UDP"), ContainerPort("m", 2))
    assert Pod(found.metadata, ("10.0.0.1", "fd00::1"), "web", ports, "Running", True, "n1") == found


@pytest.mark.parametrize(
    ("status", "ready", "addresses"),
    [
        ("{podIP: 10.0.0.1}", True, ("10.0.0.1",)),
        ("{podIP: 10.0.0.1, conditions: [{type: Ready, status: 'False'}]}", False, ("10.0.0.1",)),
        ("{podIP: 10.0.0.1, conditions: [{type: Initialized, status: 'True'}]}", False, ("10.0.0.1",)),
        ("{podIP: 10.0.0.1, phase: Succeeded}", True, ()),
        ("{podIP: 10.0.0.1, phase: Failed}", True, ()),
        ("{podIP: ''}", True, ()),
        ("{}", True, ()),
    ],
)
def test_reads_status(status, ready, addresses):
    """A pod that is over has no address any more; one that says nothing is ready."""
    found = pod(f"status: {status}\n")
    assert (ready, addresses, "default") == (found.ready, found.addresses, found.service_account)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status: {podIP: x}\n", "error 4 status.podIP: expected an IP address, got 'x'"),
        ("status: {phase: running}\n",
         "error 4 status.phase: expected Pending or Running or Succeeded or Failed or Unknown, got 'running'; did you mean Running?"),
        ("spec: {containers: [{ports: [{containerPort: 0}]}]}\n",
         "error 4 spec.containers[0].ports[0].containerPort: expected a number from 1 to 65535, got the number 0"),
        ("spec: {containers: {}}\n", "error 4 spec.containers: expected a list, got a mapping; begin each item with '- '"),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(text, expected):
    """Of the fields that are read."""
    assert [expected] == complaints_of(HEAD + text)

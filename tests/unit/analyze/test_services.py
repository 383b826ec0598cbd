"""Tests of ports of services."""

from meshd.analyze.services import find_port_conflicts, find_port_names
from tests.helpers.analysis import found, pod, svc


def test_finds_ports_whose_names_tell_no_protocol():
    """appProtocol tells one, well-known numbers do; the system's namespaces are left alone."""
    ports = "{name: web, port: 80, targetPort: 8080}, {name: http-web, port: 81}, {name: x, port: 82, appProtocol: http}, {name: db, port: 3306}"
    said = "spec.ports[0]: Port name web (port: 80, targetPort: 8080) doesn't follow the naming convention of Istio port."
    assert [f"IST0118 web 1 {said}"] == found(find_port_names, svc("web", ports), svc("sys", ports).replace("default", "kube-system"))


def test_finds_ports_of_external_names():
    """`tcp` is no good name there, either."""
    external = "{apiVersion: v1, kind: Service, metadata: {name: out}, spec: {type: ExternalName, externalName: a.example.com, ports: [%s]}}"
    said = (
        "Port name for ExternalName service is invalid. Proxy may prevent tcp named ports and unmatched traffic for ports serving TCP protocol "
        "from being forwarded correctly"
    )
    assert [f"IST0150 out 1 spec.ports[0]: {said}", f"IST0150 out 1 spec.ports[1]: {said}"] == found(
        find_port_names, external % "{name: tcp, port: 80}, {name: web, port: 81}, {name: https, port: 443}",
    )


def test_finds_services_that_disagree_about_a_workload():
    """A port with two transports, a target by two ports; pods with the same labels are told of once."""
    one = svc("one", "{name: http, port: 80, targetPort: 8080}, {name: dns, port: 53, protocol: UDP}", more=", selector: {app: web}")
    two = svc("two", "{name: http, port: 81, targetPort: 8080}, {name: dns, port: 53}", more=", selector: {app: web}")
    assert [
        "IST0116 a 5 : This deployment a is associated with multiple services using port 53 but different protocols: [default/one default/two]",
        'IST0137 a 5 : This deployment a is associated with multiple services [default/one default/two] using targetPort "8080" but different '
        "ports: [80 81].",
    ] == found(find_port_conflicts, one, two, pod("a", "app: web"), pod("b", "app: web"))
    assert [] == found(find_port_conflicts, one, two.replace("namespace: default", "namespace: other"), pod("a", "app: web"))

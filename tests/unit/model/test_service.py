"""Reading Services as Kubernetes validates them."""

import pytest

from meshd.model.service import Service, ServicePort
from tests.helpers.resources import complaints_of, resources_of

HEAD = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"


def service(spec: str) -> Service:
    """Return the Service with a spec that has nothing wrong."""
    text = f"{HEAD}spec: {spec}\n"
    assert [] == complaints_of(text)
    [found] = resources_of(text)
    assert isinstance(found, Service)
    return found


def test_reads_a_whole_service():
    """Every field that counts, among all those that do not."""
    found = service(
        "{clusterIP: 10.0.0.1, clusterIPs: [10.0.0.1, 'fd00::0001'], type: NodePort, selector: {app: web}, externalIPs: [192.0.2.1],"
        " publishNotReadyAddresses: true, internalTrafficPolicy: Local, trafficDistribution: PreferClose, sessionAffinity: None,"
        " sessionAffinityConfig: {}, ipFamilies: [IPv4], ipFamilyPolicy: SingleStack, externalTrafficPolicy: Cluster, loadBalancerIP: 1.2.3.4,"
        " loadBalancerSourceRanges: [], healthCheckNodePort: 1, allocateLoadBalancerNodePorts: true, loadBalancerClass: x,"
        " ports: [{name: http, port: 80, targetPort: web, nodePort: 30080, appProtocol: kubernetes.io/h2c}, {name: dns, port: 53, protocol: UDP}]}"
    )
    expected = Service(
        found.metadata,
        "NodePort",
        ("10.0.0.1", "fd00::1"),
        False,
        (ServicePort(80, "http", "web", "TCP", "kubernetes.io/h2c"), ServicePort(53, "dns", 0, "UDP")),
        {"app": "web"},
        "",
        ("192.0.2.1",),
        True,
        "Local",
        "PreferClose",
    )
    assert expected == found
    assert "a.yaml:1 (Service default/web)" == str(found.metadata.origin)


@pytest.mark.parametrize(
    ("spec", "addresses", "headless"),
    [
        ("{clusterIP: 10.0.0.1, ports: [{port: 80}]}", ("10.0.0.1",), False),
        ("{clusterIPs: ['::ffff:10.0.0.1'], ports: [{port: 80}]}", ("10.0.0.1",), False),
        ("{clusterIP: None}", (), True),
        ("{clusterIP: None, clusterIPs: [None], ports: [{port: 80}]}", (), True),
        ("{type: ExternalName, externalName: example.com}", (), False),
        ("{type: ExternalName, externalName: example.com, clusterIP: None}", (), False),
    ],
)
def test_reads_addresses(spec, addresses, headless):
    """Headless services and external names have none."""
    found = service(spec)
    assert (addresses, headless) == (found.cluster_ips, found.headless)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{clusterIP: 10.0.0.1}", "error 4 spec.ports: expected at least one port, got none"),
        ("{clusterIP: 10.0.0, ports: [{port: 80}]}", "error 4 spec.clusterIP: expected an IP address or None, got '10.0.0'"),
        ("{clusterIP: 10.0.0.1, clusterIPs: [10.0.0.2], ports: [{port: 80}]}",
         "error 4 spec.clusterIPs: expected clusterIP (10.0.0.1) first, got 10.0.0.2"),
        ("{clusterIPs: [10.0.0.1, 10.0.0.2], ports: [{port: 80}]}",
         "error 4 spec.clusterIPs: expected at most one address of each family, got 10.0.0.1, 10.0.0.2"),
        ("{clusterIPs: [None, 10.0.0.2], ports: [{port: 80}]}", "error 4 spec.clusterIPs: expected None alone, got addresses beside it"),
        ("{ports: [{port: 80}]}", "warning 4 spec.clusterIP: expected an address, got nothing, so that connections cannot be told to be for this "
         "service; set one that no host has, or None for a headless service"),
        ("{type: Clusterip, clusterIP: None}",
         "error 4 spec.type: expected ClusterIP or NodePort or LoadBalancer or ExternalName, got 'Clusterip'; did you mean ClusterIP?"),
        ("{type: ExternalName}", "error 4 spec.externalName: expected a DNS name of lower-case letters, digits, '-' and '.', got nothing"),
        ("{clusterIP: None, ports: [{port: 80}, {port: 81, name: a}]}", "warning 4 spec.ports[0].name: expected a name, since there are several "
         "ports, got nothing; Kubernetes would refuse it"),
        ("{clusterIP: None, ports: [{port: 80, name: a}, {port: 81, name: a}]}",
         "warning 4 spec.ports[1].name: expected each name once, got a in ports[0] too; rename one, Kubernetes would refuse it"),
        ("{clusterIP: None, ports: [{port: 80, name: a}, {port: 80, name: b}]}",
         "error 4 spec.ports[1].port: expected each port once for a protocol, got 80/TCP in ports[0] too; remove one"),
        ("{clusterIP: None, ports: [{port: 70000}]}", "error 4 spec.ports[0].port: expected a number from 1 to 65535, got the number 70000"),
        ("{clusterIP: None, ports: [{name: a}]}", "error 4 spec.ports[0].port: expected a number from 1 to 65535, got nothing"),
        ("{clusterIP: None, ports: [{port: 80, protocol: tcp}]}",
         "warning 4 spec.ports[0].protocol: expected TCP, got 'tcp'; Kubernetes would refuse it"),
        ("{clusterIP: None, ports: [{port: 80, protocol: HTTP}]}",
         "warning 4 spec.ports[0].protocol: expected TCP or UDP or SCTP, got 'HTTP'; it is taken as TCP; write it as appProtocol"),
        ("{clusterIP: None, ports: [{port: 80, protocol: TPC}]}", "error 4 spec.ports[0].protocol: expected TCP or UDP or SCTP, got 'TPC'"),
        ("{clusterIP: None, ports: [{port: 80, protocol: 6}]}", "error 4 spec.ports[0].protocol: expected TCP or UDP or SCTP, got the number 6"),
        ("{clusterIP: None, ports: [{port: 80, targetPort: '80'}]}",
         "error 4 spec.ports[0].targetPort: expected a number from 1 to 65535 or a port's name, got '80'; remove the quotes"),
        ("{clusterIP: None, ports: [{port: 80, targetPort: 0}]}",
         "error 4 spec.ports[0].targetPort: expected a number from 1 to 65535 or a port's name, got the number 0"),
        ("{clusterIP: None, ports: [{port: 80, targetport: 8080}]}",
         "warning 4 spec.ports[0].targetport: expected a known field, got targetport, which is ignored; did you mean targetPort?"),
        ("{clusterIP: None, ports: 80}", "error 4 spec.ports: expected a list, got the number 80; begin each item with '- '"),
        ("{clusterIP: None, selector: {app: 7}}", "error 4 spec.selector.app: expected text, got the number 7; quote it"),
        ("{clusterIP: None, externalIPs: [x]}", "error 4 spec.externalIPs[0]: expected an IP address, got 'x'"),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field; a warning leaves the service in use."""
    text = f"{HEAD}spec: {spec}\n"
    assert [expected] == complaints_of(text)
    assert expected.startswith("warning") == bool(resources_of(text))


def test_the_same_port_may_serve_two_protocols():
    """As DNS does."""
    found = service("{clusterIP: None, ports: [{port: 53, name: udp, protocol: UDP}, {port: 53, name: tcp}]}")
    assert [53, 53] == [port.port for port in found.ports]

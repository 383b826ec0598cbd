"""Reading Nodes."""

import attrs
import pytest

from meshd.base.locality import Locality
from meshd.model.node import CaptureSettings, Debounce, DnsSettings, KubernetesSettings, Node, Ports
from meshd.model.registry_settings import RegistrySettings
from tests.helpers.resources import complaints_of, resources_of

HEAD = "apiVersion: meshd.io/v1\nkind: Node\nmetadata: {name: web-1}\n"
WHOLE = (
    "{namespace: shop, serviceAccount: web, labels: {app: web}, addresses: [10.0.0.1, 'FD00::1', 10.0.0.1], locality: r/z/s, network: n1,"
    " gateway: true, source: [kubernetes, directory], workers: 4, user: 1337, admin: {address: '::1'},"
    " ports: {outbound: 1, inbound: 2, admin: 3, health: 4, dns: 5, prometheus: 6}, debounce: {quiet: 20ms, bound: 1s}, kernelForwarding: 'off',"
    " capture: {enabled: false, backend: iptables-legacy, keepOnStop: true, inbound: false, outbound: false, includeInboundPorts: [80],"
    " excludeInboundPorts: [], includeOutboundPorts: [80, 8000-8010], excludeOutboundPorts: ['25'], includeOutboundCidrs: [10.0.0.0/8],"
    " excludeOutboundCidrs: [], excludeUids: [0, nobody], excludeGids: [1], includeUids: [2], includeGids: [x], excludeInterfaces: [eth1],"
    " appliedBy: init},"
    " dns: {enabled: true, servers: [10.0.0.2, 'FD00::2', 10.0.0.2]},"
    " kubernetes: {kubeconfig: /etc/meshd/kubeconfig, context: prod, namespaces: [a, b, a]}, registry: {kubernetes: true}}"
)


def node(spec: str) -> Node:
    """Return the Node with a spec that has nothing wrong."""
    text = f"{HEAD}spec: {spec}\n"
    assert [] == complaints_of(text)
    [found] = resources_of(text)
    assert isinstance(found, Node)
    return found


def test_everything_is_optional():
    """A name is enough."""
    found = node("")
    assert Node(found.metadata) == found
    assert ("", "a.yaml:1 (Node web-1)") == (found.metadata.namespace, str(found.metadata.origin))


def test_reads_a_whole_node():
    """Every setting has its field."""
    found = node(WHOLE)
    capture = CaptureSettings(
        False, "iptables-legacy", True, False, False, ("80",), (), ("80", "8000-8010"), ("25",), ("10.0.0.0/8",), (), ("0", "nobody"), ("1",),
        ("2",), ("x",), ("eth1",), "init",
    )  # fmt: skip
    expected = Node(
        found.metadata, "shop", "web", {"app": "web"}, ("10.0.0.1", "fd00::1"), Locality("r", "z", "s"), "n1", True,
        ("directory", "kubernetes"), 4, "1337", Ports(1, 2, 3, 4, 5, 6), Debounce(0.02, 1.0), "off", "::1", capture,
        DnsSettings(True, ("10.0.0.2", "fd00::2")), RegistrySettings(kubernetes=True),
        KubernetesSettings("/etc/meshd/kubeconfig", "prod", ("a", "b")),
    )  # fmt: skip
    assert expected == found


def test_every_setting_is_read():
    """The test above sets each to something else than its default, so that a forgotten field is seen here."""
    default, whole = Node(node("{}").metadata), node(WHOLE)
    for part in (lambda found: found, lambda found: found.capture, lambda found: found.ports, lambda found: found.debounce):
        names = [field.name for field in attrs.fields(type(part(default))) if field.name != "metadata"]
        assert [] == [name for name in names if getattr(part(default), name) == getattr(part(whole), name)]


def test_an_empty_admin_address_switches_it_off():
    """Absent is the loopback address."""
    assert ["", "127.0.0.1"] == [node("{admin: {address: ''}}").admin_address, node("{admin: {}}").admin_address]


def test_a_longer_quiet_stretches_the_bound():
    """Where only one is given, the two stay in order."""
    assert Debounce(1.0, 1.0) == node("{debounce: {quiet: 1s}}").debounce


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{addresses: [10.0.0.300]}", "error 4 spec.addresses[0]: expected an IP address of the machine, got '10.0.0.300'"),
        (
            "{dns: {servers: [10.0.0.2], meshOnly: true}}",
            "warning 4 spec.dns.servers: expected none beside meshOnly: true, as nothing is passed on; leave one of them out",
        ),
        ("{source: etcd}", "error 4 spec.source: expected directory or kubernetes, got 'etcd'"),
        ("{source: [directory, etcd]}", "error 4 spec.source: expected directory and kubernetes, each once, got a list of something else"),
        ("{source: [kubernetes, kubernetes]}", "error 4 spec.source: expected directory and kubernetes, each once, got a list of something else"),
        ("{source: [[], {}]}", "error 4 spec.source: expected directory and kubernetes, each once, got a list of something else"),
        ("{source: []}", "error 4 spec.source: expected directory and kubernetes, each once, got a list of something else"),
        ("{source: {kubernetes: {}}}", "error 4 spec.source: expected directory or kubernetes, got a mapping"),
        ("{kubernetes: {context: x}}",
         "warning 4 spec.kubernetes: expected source: kubernetes or registry: {kubernetes: true} beside it, got neither; or it has no effect"),
        ("{source: kubernetes, kubernetes: {kubeconfig: x/y}}",
         "error 4 spec.kubernetes.kubeconfig: expected a path that begins with /, got 'x/y'"),
        ("{source: kubernetes, kubernetes: {kubeconfig: 3}}", "error 4 spec.kubernetes.kubeconfig: expected text, got the number 3; quote it"),
        ("{source: kubernetes, kubernetes: []}", "error 4 spec.kubernetes: expected a mapping, got a list"),
        ("{source: kubernetes, kubernetes: {namespaces: ['../x']}}",
         "error 4 spec.kubernetes.namespaces[0]: expected a name of lower-case letters, digits and '-' "
         "(RFC 1123 label, at most 63 characters), got '../x'"),
        ("{source: kubernetes, kubernetes: {namespaces: shop}}",
         "error 4 spec.kubernetes.namespaces: expected a list, got 'shop'; begin each item with '- '"),
        ("{source: kubernetes, kubernetes: {server: x}}",
         "warning 4 spec.kubernetes.server: expected a known field, got server, which is ignored"),
        ("{addresses: [0.0.0.0]}", "error 4 spec.addresses[0]: expected an IP address of the machine, got '0.0.0.0'"),
        ("{addresses: 10.0.0.1}", "error 4 spec.addresses: expected a list, got '10.0.0.1'; begin each item with '- '"),
        ("{kernelForwarding: 'yes'}", "error 4 spec.kernelForwarding: expected auto or off, got 'yes'"),
        ("{locality: a/b/c/d}", "error 4 spec.locality: expected region/zone/subzone, got 'a/b/c/d'"),
        ("{gateway: 'yes'}", "error 4 spec.gateway: expected true or false, got 'yes'"),
        ("{workers: -1}", "error 4 spec.workers: expected a number from 0 to 256, got the number -1"),
        ("{user: 'a b'}", "error 4 spec.user: expected a numeric id or an account's name, got 'a b'"),
        ("{ports: {outbound: 15006}}", "error 4 spec.ports.inbound: expected each port once, got 15006 for outbound too"),
        ("{debounce: {quiet: 1s, bound: 10ms}}", "error 4 spec.debounce.bound: expected a duration from quiet (1s) to 60s, got 0.01s"),
        ("{debounce: {bound: 1h}}", "error 4 spec.debounce.bound: expected a duration from quiet (0.01s) to 60s, got 3600s"),
        ("{capture: {backend: nft}}", "error 4 spec.capture.backend: expected auto or nftables or iptables-nft or iptables-legacy, got 'nft'"),
        ("{capture: {excludeInboundPorts: [70000]}}",
         "error 4 spec.capture.excludeInboundPorts[0]: expected a port or a range such as 8000-8010, from 1 to 65535, got '70000'"),
        ("{capture: {includeOutboundCidrs: [x]}}",
         "error 4 spec.capture.includeOutboundCidrs[0]: expected an address range such as 10.0.0.0/8, got 'x'"),
        ("{capture: {excludeUids: ['a;b']}}", "error 4 spec.capture.excludeUids[0]: expected a numeric id or an account's name, got 'a;b'"),
        ("{capture: {excludeInterfaces: ['eth0\" drop']}}",
         "error 4 spec.capture.excludeInterfaces[0]: expected an interface's name of at most 15 characters, got 'eth0\" drop'"),
        ("{capture: {excludeOutboundCIDRs: []}}",
         "warning 4 spec.capture.excludeOutboundCIDRs: expected a known field, got excludeOutboundCIDRs, which is ignored; "
         "did you mean excludeOutboundCidrs?"),
        ("{service_account: x}",
         "warning 4 spec.service_account: expected a known field, got service_account, which is ignored; did you mean serviceAccount?"),
        ("{admin: {adress: ''}}", "warning 4 spec.admin.adress: expected a known field, got adress, which is ignored; did you mean address?"),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Nothing that reaches the kernel's rules can be other than what it should be."""
    assert [expected] == complaints_of(f"{HEAD}spec: {spec}\n")


def test_registering_at_an_api_server_has_use_for_its_settings():
    """As the source has."""
    assert [] == complaints_of(f"{HEAD}spec: {{registry: {{kubernetes: true, group: shop/web}}, kubernetes: {{kubeconfig: /etc/kubeconfig}}}}\n")

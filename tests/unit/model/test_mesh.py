"""Reading the Mesh: MeshConfig's fields, and which of them are not served."""

import attrs
import pytest

from meshd.model.mesh import DEFAULT_MESH, Mesh, surplus_meshes
from meshd.model.traffic_policy import Keepalive, LoadBalancer, LocalityLb, TrafficPolicy
from meshd.model.virtual_service import HttpRetry
from tests.helpers.resources import complaints_of, resources_of

HEAD = "apiVersion: meshd.io/v1\nkind: Mesh\nmetadata: {name: mesh}\n"


def mesh(spec: str) -> Mesh:
    """Return the Mesh with a spec that has nothing wrong."""
    text = f"{HEAD}spec: {spec}\n"
    assert [] == complaints_of(text)
    [found] = resources_of(text)
    assert isinstance(found, Mesh)
    return found


def test_an_empty_mesh_has_the_defaults():
    """Istio's, but for the access log."""
    found = mesh("{}")
    assert attrs.evolve(DEFAULT_MESH, metadata=found.metadata) == found


def test_reads_a_whole_mesh():
    """Every field that is served, and those that concern clusters."""
    found = mesh(
        "{outboundTrafficPolicy: {mode: REGISTRY_ONLY}, inboundTrafficPolicy: {mode: LOCALHOST}, accessLogFile: /dev/stdout,"
        " accessLogFormat: '%REQ(:METHOD)%', protocolDetectionTimeout: 5s, connectTimeout: 250ms, pathNormalization: {normalization: NONE},"
        " trustDomain: td1, domainSuffix: mesh.local, rootNamespace: root, defaultServiceExportTo: [., prod],"
        " defaultVirtualServiceExportTo: [.], defaultDestinationRuleExportTo: ['~'], localityLbSetting: {enabled: false},"
        " defaultHttpRetryPolicy: {attempts: 4, perTryTimeout: 2s, retryOn: 'connect-failure,503', retryIgnorePreviousHosts: false, backoff: 5ms},"
        " enablePrometheusMerge: true, ingressService: x, tcpKeepalive: {probes: 3, time: 60s},"
        " defaultInboundHttpRetryPolicy: {attempts: 1}, defaultTrafficPolicy: {loadBalancer: {simple: RANDOM}},"
        " ingressClass: edge, ingressControllerMode: DEFAULT, dnsRefreshRate: 5s,"
        " defaultConfig: {concurrency: 2, proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}}}"
    )
    expected = Mesh(
        found.metadata,
        "REGISTRY_ONLY", True,
        "/dev/stdout",
        "%REQ(:METHOD)%",
        "TEXT",
        5.0,
        0.25,
        "NONE",
        "td1",
        "mesh.local",
        "root",
        (".", "prod"),
        (".",),
        ("~",),
        LocalityLb(False),
        HttpRetry(4, 2.0, "connect-failure,503", False, False, 0.005),
        dns_refresh_rate=5.0,
        concurrency=2,
        dns_capture=True,
        ingress_class="edge",
        ingress_mode="DEFAULT",
        ingress_gateway="x",
        tcp_keepalive=Keepalive(3, 60.0),
        default_inbound_retry_policy=HttpRetry(1),
        default_traffic_policy=TrafficPolicy(LoadBalancer("RANDOM")),
    )
    assert expected == found


@pytest.mark.parametrize(
    ("spec", "field", "expected"),
    [
        ("{accessLogFile: ''}", "access_log_file", ""),
        ("{accessLogFile: null}", "access_log_file", None),
        ("{accessLogEncoding: JSON, accessLogFormat: '{\"m\": \"%REQ(:METHOD)%\"}'}", "access_log_format", '{"m": "%REQ(:METHOD)%"}'),
        ("{pathNormalization: {normalization: DEFAULT}}", "path_normalization", "BASE"),
        ("{protocolDetectionTimeout: 0s}", "protocol_detection_timeout", 0.0),
        ("{defaultHttpRetryPolicy: {}}", "default_http_retry_policy", HttpRetry(0)),
        ("{defaultServiceExportTo: []}", "default_service_export_to", ("*",)),
    ],
)
def test_absent_and_empty_differ(spec, field, expected):
    """An empty log file switches the log off; absent fields have defaults."""
    assert expected == getattr(mesh(spec), field)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{outboundTrafficPolicy: {mode: ANY}}",
         "error 4 spec.outboundTrafficPolicy.mode: expected ALLOW_ANY or REGISTRY_ONLY or ALLOW_ANY_DYNAMIC_DNS, got 'ANY'"),
        ("{outboundTrafficPolicy: {mode: ALLOW_ANY_DYNAMIC_DNS}}",
         "warning 4 spec.outboundTrafficPolicy.mode: mode ALLOW_ANY_DYNAMIC_DNS is not served yet and looks no name up: requests to unknown hosts go "
         "where the client meant to go"),
        ("{outboundTrafficPolicy: REGISTRY_ONLY}", "error 4 spec.outboundTrafficPolicy: expected a mapping, got 'REGISTRY_ONLY'"),
        ("{connectTimeout: 0s}", "error 4 spec.connectTimeout: expected a duration of at least 0.001s such as 10s or 250ms, got '0s'"),
        ("{protocolDetectionTimeout: 5}",
         "error 4 spec.protocolDetectionTimeout: expected a duration of at least 0.001s such as 10s or 250ms, or 0s, got the number 5"),
        ("{accessLogFile: access.log}", "error 4 spec.accessLogFile: expected an absolute path, got 'access.log'"),
        ("{accessLogEncoding: JSON, accessLogFormat: '%REQ%'}",
         "error 4 spec.accessLogFormat: expected a JSON object, since accessLogEncoding is JSON, got other text"),
        ("{accessLogEncoding: JSON, accessLogFormat: '[]'}",
         "error 4 spec.accessLogFormat: expected a JSON object, since accessLogEncoding is JSON, got other text"),
        ("{defaultServiceExportTo: [All]}", "error 4 spec.defaultServiceExportTo[0]: expected *, ., ~ or the name of a namespace, got 'All'"),
        ("{defaultHttpRetryPolicy: {attempts: -1}}",
         "error 4 spec.defaultHttpRetryPolicy.attempts: expected a number from 0 to 2147483647, got the number -1"),
        ("{trustDomain: 'A b'}", "error 4 spec.trustDomain: expected a DNS name of lower-case letters, digits, '-' and '.', got 'A b'"),
        ("{localityLbSetting: {enabled: 0}}", "error 4 spec.localityLbSetting.enabled: expected true or false, got the number 0"),
        ("{enableTracing: true}", "info 4 spec.enableTracing: enableTracing is not served yet and has no effect"),
        ("{outbound_traffic_policy: {}}", "warning 4 spec.outbound_traffic_policy: expected a known field, got outbound_traffic_policy, which is "
         "ignored; did you mean outboundTrafficPolicy?"),
        ("{accessLogfile: /x}",
         "warning 4 spec.accessLogfile: expected a known field, got accessLogfile, which is ignored; did you mean accessLogFile?"),
    ],
)  # fmt: skip
def test_tells_what_is_wrong(spec, expected):
    """Each with its field; what is not served yet is said, and the rest is in use."""
    text = f"{HEAD}spec: {spec}\n"
    assert [expected] == complaints_of(text)
    assert (not expected.startswith("error")) == bool(resources_of(text))


def test_all_but_the_first_are_surplus():
    """By name, whatever the order; each is told where the one is that counts."""
    meshes = [found for name in ("b", "c", "a") for found in resources_of(HEAD.replace("name: mesh", f"name: {name}")) if isinstance(found, Mesh)]
    assert ([], ["b", "c"]) == (surplus_meshes(meshes[:1]), [problem.origin.name for problem in surplus_meshes(meshes)])
    assert "a.yaml:1 (Mesh b): expected one Mesh, got a in a.yaml:1 too, which is used; remove one of them" == str(surplus_meshes(meshes)[0])


@pytest.mark.parametrize(("spec", "expected"), [
    ("", "ingressgateway"), ("ingressService: istio-ingressgateway", "ingressgateway"), ("ingressService: edge", "edge"),
    ("ingressService: edge, ingressSelector: door", "door"),
])
def test_who_serves_ingresses(spec, expected):
    """Edge proxies by their label `istio`."""
    assert expected == mesh(f"{{{spec}}}").ingress_gateway

"""What annotations ask for."""

import attrs
import pytest

from meshd.base.origins import Origin
from meshd.inject.settings import InjectSettings, Resources
from meshd.inject.wishes import MAX_UNKNOWN, Readiness, Wishes, read_wishes
from meshd.model.paths import no_lines
from meshd.model.reading import Fields, Report
from meshd.sources.rewriting import read_mapping

SETTINGS = InjectSettings(image="meshd:1")
DEFAULT = Wishes(
    "meshd:1", Resources("100m", "128Mi", "2000m", "1024Mi"), 2, False, False, False, True, {"excludeInboundPorts": [], "excludeOutboundCidrs": []},
    True, Readiness(), True, 5.0,
)
SIDECAR, TRAFFIC, STATUS = "sidecar.istio.io/", "traffic.sidecar.istio.io/", "status.sidecar.istio.io/port"
CONFIG = "proxy.istio.io/config"


def read(annotations, settings=SETTINGS):
    """Give what some annotations ask for, and what is wrong with them."""
    report = Report(Origin("a.yaml"), no_lines)
    wishes = read_wishes(Fields(annotations, ("metadata", "annotations"), report), settings, read_mapping)
    told = [f"{one.severity} {one.field}: {one.message}{'; ' + one.hint if one.hint else ''}" for one in report.problems]
    return wishes, told


def test_nothing_is_asked_for():
    """Istio's defaults."""
    assert (DEFAULT, []) == read({})


@pytest.mark.parametrize(("annotations", "expected"), [
    ({SIDECAR + "proxyImage": "other:2"}, {"image": "other:2"}),
    ({SIDECAR + "proxyCPU": "50m"}, {"resources": Resources("50m")}),
    ({SIDECAR + "proxyMemoryLimit": "1Gi"}, {"resources": Resources(memory_limit="1Gi")}),
    ({SIDECAR + "proxyCPULimit": "2500m"}, {"resources": Resources(cpu_limit="2500m"), "workers": 3}),
    ({SIDECAR + "proxyCPULimit": "10m"}, {"resources": Resources(cpu_limit="10m"), "workers": 1}),
    ({SIDECAR + "nativeSidecar": "true"}, {"native": True}),
    ({SIDECAR + "interceptionMode": "NONE"}, {"captures": False}),
    ({"inject.istio.io/templates": "gateway"}, {"gateway": True, "captures": False}),
    ({STATUS: "0"}, {"probes": False}),
    ({"readiness.status.sidecar.istio.io/periodSeconds": "2"}, {"readiness": Readiness(0, 2, 4)}),
    ({CONFIG: "holdApplicationUntilProxyStarts: true\nconcurrency: 4\n"}, {"hold": True, "workers": 4}),
    ({CONFIG: "concurrency: 0"}, {"workers": 0}),
    ({CONFIG: '{"terminationDrainDuration": "1m", "proxyMetadata": {"ISTIO_META_DNS_CAPTURE": "false"}}'}, {"drain": 60.0, "dns": False}),
    ({SIDECAR + "userVolume": '{"data": {"emptyDir": {}}}'}, {"volumes": ({"name": "data", "emptyDir": {}},)}),
    ({SIDECAR + "userVolumeMount": '[{"name": "data", "mountPath": "/data"}]'}, {"mounts": ({"name": "data", "mountPath": "/data"},)}),
])
def test_reads(annotations, expected):
    """Each annotation does what the table says."""
    assert (attrs.evolve(DEFAULT, **expected), []) == read(annotations)


@pytest.mark.parametrize(("annotations", "expected"), [
    ({TRAFFIC + "includeInboundPorts": "80, 443"}, {"includeInboundPorts": ["80", "443"]}),
    ({TRAFFIC + "includeInboundPorts": ""}, {"inbound": False}),
    ({TRAFFIC + "includeInboundPorts": "*", TRAFFIC + "excludeInboundPorts": "22"}, {"excludeInboundPorts": ["22"]}),
    ({STATUS: "8080", TRAFFIC + "excludeInboundPorts": "22"}, {"excludeInboundPorts": ["8080", "22"]}),
    ({TRAFFIC + "includeOutboundIPRanges": "10.0.0.0/8"}, {"includeOutboundCidrs": ["10.0.0.0/8"]}),
    ({TRAFFIC + "includeOutboundIPRanges": ""}, {"outbound": False}),
    ({TRAFFIC + "includeOutboundIPRanges": "", TRAFFIC + "includeOutboundPorts": "443"}, {"includeOutboundPorts": ["443"]}),
    ({TRAFFIC + "includeOutboundPorts": "443"}, {}),
    ({TRAFFIC + "includeOutboundIPRanges": "10.0.0.0/8", TRAFFIC + "includeOutboundPorts": "443"},
     {"includeOutboundCidrs": ["10.0.0.0/8"], "includeOutboundPorts": ["443"]}),
    ({TRAFFIC + "excludeOutboundIPRanges": "169.254.169.254/32"}, {"excludeOutboundCidrs": ["169.254.169.254/32"]}),
    ({TRAFFIC + "excludeOutboundPorts": "25", TRAFFIC + "excludeInterfaces": "eth1"},
     {"excludeOutboundPorts": ["25"], "excludeInterfaces": ["eth1"]}),
])
def test_reads_what_is_captured(annotations, expected):
    """As settings of a Node; where all ranges are captured, ports say nothing more."""
    found, told = read(annotations)
    assert ({**DEFAULT.capture, **expected}, []) == (found.capture, told)


P = "metadata.annotations"


@pytest.mark.parametrize(("annotations", "expected"), [
    ({SIDECAR + "proxyCPU": "lots"}, f"error {P}[sidecar.istio.io/proxyCPU]: expected an amount such as 100m or 128Mi, got 'lots'"),
    ({SIDECAR + "proxyMemory": ""}, f"error {P}[sidecar.istio.io/proxyMemory]: expected an amount such as 100m or 128Mi, got an empty text"),
    ({SIDECAR + "proxyCPU": "2", SIDECAR + "proxyCPULimit": "1"}, f"error {P}[sidecar.istio.io/proxyCPU]: expected at most the limit 1, got '2'"),
    ({SIDECAR + "proxyImage": "a b"},
     f"error {P}[sidecar.istio.io/proxyImage]: expected the name of an image such as registry.example.com/meshd:1.0, got 'a b'"),
    ({SIDECAR + "nativeSidecar": "yes"}, f"error {P}[sidecar.istio.io/nativeSidecar]: expected true or false, got 'yes'"),
    ({SIDECAR + "interceptionMode": "none"}, f"error {P}[sidecar.istio.io/interceptionMode]: expected REDIRECT or TPROXY or NONE, got 'none'"),
    ({SIDECAR + "interceptionMode": "TPROXY"},
     f"warning {P}[sidecar.istio.io/interceptionMode]: expected REDIRECT or NONE, got TPROXY; connections are redirected"),
    ({SIDECAR + "logLevel": "debug"}, f"warning {P}[sidecar.istio.io/logLevel]: this annotation is not served yet and has no effect"),
    ({SIDECAR + "proxyCpu": "1"},
     f"warning {P}[sidecar.istio.io/proxyCpu]: expected a known annotation, got another, which is ignored; did you mean sidecar.istio.io/proxyCPU?"),
    ({TRAFFIC + "includeInboundPorts": "80,x"},
     f"error {P}[traffic.sidecar.istio.io/includeInboundPorts]: expected * or ports from 1 to 65535, with commas between them, got '80,x'"),
    ({TRAFFIC + "excludeOutboundIPRanges": "10.0.0.0/40"},
     f"error {P}[traffic.sidecar.istio.io/excludeOutboundIPRanges]: expected address ranges such as 10.0.0.0/8, with commas between them,"
     " got '10.0.0.0/40'"),
    ({TRAFFIC + "excludeInterfaces": "a b"},
     f"error {P}[traffic.sidecar.istio.io/excludeInterfaces]: expected interfaces' names of at most 15 characters, with commas between them,"
     " got 'a b'"),
    ({TRAFFIC + "kubevirtInterfaces": "net1"},
     f"warning {P}[traffic.sidecar.istio.io/kubevirtInterfaces]: this annotation is not served yet and has no effect"),
    ({STATUS: "http"}, f"error {P}[status.sidecar.istio.io/port]: expected a number from 0 to 65535, got 'http'"),
    ({"readiness.status.sidecar.istio.io/failureThreshold": "0"},
     f"error {P}[readiness.status.sidecar.istio.io/failureThreshold]: expected a number from 1 to 86400, got '0'"),
    ({SIDECAR + "userVolume": "{"}, f"error {P}[sidecar.istio.io/userVolume]: expected JSON such as {{\"name\": {{...}}}}, got '{{'"),
    ({SIDECAR + "userVolume": "[[[[" * 20_000},
     f"error {P}[sidecar.istio.io/userVolume]: expected JSON such as {{\"name\": {{...}}}}, got '{'[' * 80}...'"),
    ({SIDECAR + "userVolumeMount": '[{"mountPath": "/x"}]'},
     f"error {P}[sidecar.istio.io/userVolumeMount]: expected JSON such as {{\"name\": {{...}}}}, got '[{{\"mountPath\": \"/x\"}}]'"),
    ({CONFIG: "a: ["}, f"error {P}[proxy.istio.io/config]: expected YAML, got a fault at column 1: did not find expected node"
     " content"),
    ({CONFIG: "- a"}, f"error {P}[proxy.istio.io/config]: expected a mapping, got a list"),
    ({CONFIG: "concurrency: many"}, f"error {P}[proxy.istio.io/config].concurrency: expected a number from 0 to 256, got 'many'"),
    ({CONFIG: "proxyMetadata: {A: b}"},
     f"warning {P}[proxy.istio.io/config].proxyMetadata: expected ISTIO_META_DNS_CAPTURE alone, got more, which has no effect"),
    ({CONFIG: "tracing: {}"}, f"warning {P}[proxy.istio.io/config].tracing: tracing is not served yet and has no effect"),
    ({CONFIG: "concurency: 1"},
     f"warning {P}[proxy.istio.io/config].concurency: expected a known field, got concurency, which is ignored; did you mean concurrency?"),
])
def test_malformed(annotations, expected):
    """Each is told with its field, what was expected and what was found."""
    assert [expected] == read(annotations)[1]


def test_only_some_unknown_annotations_are_told_of():
    """Somebody may have thousands."""
    assert MAX_UNKNOWN == len(read({f"sidecar.istio.io/odd{number}": "x" for number in range(1000)})[1])


def test_what_is_malformed_leaves_defaults():
    """Nobody gets them, since the pod is refused."""
    assert DEFAULT == read({SIDECAR + "nativeSidecar": "yes", TRAFFIC + "includeInboundPorts": "x"})[0]


def test_settings_are_defaults():
    """Annotations go before them."""
    settings = InjectSettings(hold_application=True, native_sidecar=True, dns=False)
    found, _ = read({}, settings)
    assert (True, True, False) == (found.hold, found.native, found.dns)
    found, _ = read({SIDECAR + "nativeSidecar": "false", CONFIG: "holdApplicationUntilProxyStarts: false"}, settings)
    assert (False, False) == (found.hold, found.native)

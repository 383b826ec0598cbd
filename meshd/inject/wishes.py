"""What the annotations of a pod ask of its sidecar."""

import json
from collections.abc import Callable, Mapping
from itertools import islice
from typing import cast

import attrs

from meshd.inject.annotations import (
    ANNOTATIONS,
    MAX_SECONDS,
    PREFIXES,
    PROXY_CONFIG,
    READINESS_PREFIX,
    SIDECAR_PREFIX,
    STATUS_PORT,
    TEMPLATES,
    TRAFFIC_PREFIX,
)
from meshd.inject.checks import MAX_CONCURRENCY, amount, items
from meshd.inject.settings import InjectSettings, Resources
from meshd.model.proxy_config import DNS_CAPTURE, read_dns_capture
from meshd.model.reading import Fields, did_you_mean, shown

ReadYaml = Callable[[str], Mapping[str, object]]
"""Takes a text, gives the mapping that it holds; raises ValueError with what is wrong."""

DRAIN = 5.0  # seconds; Istio's default terminationDrainDuration
MAX_UNKNOWN = 10  # annotations that are told of; looking for what was meant takes a while
WORKERS = 2  # where no limit says how much processor there is; Istio's default concurrency
_IDLE_SETTINGS = frozenset(("proxyHeaders", "drainDuration", "parentShutdownDuration", "binaryPath", "configPath", "serviceCluster", "tracing"))


@attrs.frozen
class Readiness:
    """The sidecar's readiness probe (Istio's defaults)."""

    initial_delay: int = 0
    period: int = 15
    failures: int = 4


@attrs.frozen
class Wishes:
    """
    What is asked of a sidecar, defaults filled in.

    Attributes:
        image: Its image.
        resources: Processor and memory.
        workers: Data-plane processes; 0: one per core.
        native: As an init container that stays.
        hold: The others wait for it.
        gateway: It is an edge proxy, not the sidecar of an application.
        captures: Connections are diverted to it.
        capture: Settings of the Node's `capture`, beside that it is applied by the init step.
        probes: It is probed at all.
        readiness: How.
        dns: It answers for names.
        drain: Seconds that it goes on after it was asked to end.
        volumes / mounts: Further ones.
    """

    image: str
    resources: Resources
    workers: int
    native: bool
    hold: bool
    gateway: bool
    captures: bool
    capture: Mapping[str, object]
    probes: bool
    readiness: Readiness
    dns: bool
    drain: float
    volumes: tuple[Mapping[str, object], ...] = ()
    mounts: tuple[Mapping[str, object], ...] = ()


@attrs.frozen
class _Proxy:
    """What `proxy.istio.io/config` says; None: nothing."""

    hold: bool | None = None
    concurrency: int | None = None
    dns: bool | None = None
    drain: float = DRAIN


def read_wishes(annotations: Fields, settings: InjectSettings, read_yaml: ReadYaml) -> Wishes:
    """Read a pod's annotations; what is malformed is an error of the report, what has no effect a warning."""
    for name, row in ANNOTATIONS.items():
        if not row.effect:
            annotations.not_served(name, "this annotation")
    unknown = (name for name in annotations.values if name.startswith(PREFIXES) and name not in ANNOTATIONS)
    for name in islice(unknown, MAX_UNKNOWN):
        annotations.wrong(name, "expected a known annotation, got another, which is ignored", did_you_mean(name, ANNOTATIONS), "warning")
    text = _Texts(annotations)
    proxy = _read_proxy_config(annotations, read_yaml)
    resources = _read_resources(text, settings.resources)
    mode = text.get(SIDECAR_PREFIX + "interceptionMode", "REDIRECT")
    if mode == "TPROXY":
        said = "expected REDIRECT or NONE, got TPROXY; connections are redirected"
        annotations.wrong(SIDECAR_PREFIX + "interceptionMode", said, severity="warning")
    gateway = text.get(TEMPLATES, "sidecar") == "gateway"
    native = text.get(SIDECAR_PREFIX + "nativeSidecar", str(settings.native_sidecar).lower())
    readiness = Readiness(*(int(text.get(READINESS_PREFIX + name, str(default))) for name, default in (
        ("initialDelaySeconds", 0), ("periodSeconds", 15), ("failureThreshold", 4),
    )))
    return Wishes(
        image=text.get(SIDECAR_PREFIX + "proxyImage", settings.image) or settings.image,
        resources=resources,
        workers=proxy.concurrency if proxy.concurrency is not None else _workers(resources.cpu_limit),
        native=native == "true",
        hold=settings.hold_application if proxy.hold is None else proxy.hold,
        gateway=gateway,
        captures=mode != "NONE" and not gateway,
        capture=_read_capture(text),
        probes=text.get(STATUS_PORT, "") != "0",
        readiness=readiness,
        dns=settings.dns if proxy.dns is None else proxy.dns,
        drain=proxy.drain,
        volumes=_read_named(annotations, SIDECAR_PREFIX + "userVolume"),
        mounts=_read_named(annotations, SIDECAR_PREFIX + "userVolumeMount"),
    )


class _Texts:
    """Annotations' texts, checked as the table says; an empty one is a text here, not an absent one."""

    def __init__(self, annotations: Fields) -> None:
        self._fields = annotations
        self._told: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def get(self, name: str, default: str) -> str:
        """Return an annotation; the default where it is absent or malformed."""
        value = self._fields.raw(name)
        if not isinstance(value, str):
            return default
        check = ANNOTATIONS[name].check
        expected = check(value) if check is not None else ""
        if expected and name not in self._told:
            self._told.add(name)
            self._fields.wrong(name, f"expected {expected}, got {shown(value)}")
        return default if expected else value

    def refuse(self, name: str, message: str) -> None:
        """Tell what is wrong with an annotation beside its form."""
        self._fields.wrong(name, message)


def _read_resources(text: _Texts, default: Resources) -> Resources:
    """Read amounts; one annotation takes the place of all defaults, as in Istio."""
    names = ("proxyCPU", "proxyMemory", "proxyCPULimit", "proxyMemoryLimit")
    if not any(SIDECAR_PREFIX + name in text for name in names):
        return default
    found = Resources(*(text.get(SIDECAR_PREFIX + name, "") for name in names))
    for asked, limit, name in ((found.cpu, found.cpu_limit, "proxyCPU"), (found.memory, found.memory_limit, "proxyMemory")):
        if asked and limit and amount(asked) > amount(limit):
            text.refuse(SIDECAR_PREFIX + name, f"expected at most the limit {limit}, got {shown(asked)}")
    return found


def _workers(cpu_limit: str) -> int:
    """Give as many workers as a limit has cores, rounded up."""
    return max(1, min(MAX_CONCURRENCY, -int(-amount(cpu_limit) // 1))) if cpu_limit else WORKERS


def _read_capture(text: _Texts) -> dict[str, object]:
    """
    Read the traffic annotations into settings of a Node's `capture`, every list as Istio has it: nothing is left out by default.

    Source:
        Istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml, and tools/istio-iptables.
    """
    inbound = text.get(TRAFFIC_PREFIX + "includeInboundPorts", "*").strip()
    ranges = text.get(TRAFFIC_PREFIX + "includeOutboundIPRanges", "*").strip()
    ports = items(text.get(TRAFFIC_PREFIX + "includeOutboundPorts", ""))
    status = [port for port in items(text.get(STATUS_PORT, "")) if port != "0"]
    found: dict[str, object] = {
        "inbound": inbound != "",
        "outbound": ranges != "" or bool(ports),
        "includeInboundPorts": [] if inbound == "*" else items(inbound),
        "excludeInboundPorts": [*status, *items(text.get(TRAFFIC_PREFIX + "excludeInboundPorts", ""))],
        "includeOutboundCidrs": [] if ranges == "*" else items(ranges),
        "includeOutboundPorts": [] if ranges == "*" else ports,
        "excludeOutboundCidrs": items(text.get(TRAFFIC_PREFIX + "excludeOutboundIPRanges", "")),
        "excludeOutboundPorts": items(text.get(TRAFFIC_PREFIX + "excludeOutboundPorts", "")),
        "excludeInterfaces": items(text.get(TRAFFIC_PREFIX + "excludeInterfaces", "")),
    }
    return {name: value for name, value in found.items() if value not in ([], True) or name in ("excludeInboundPorts", "excludeOutboundCidrs")}


def _read_named(annotations: Fields, name: str) -> tuple[Mapping[str, object], ...]:
    """
    Read volumes or mounts as Istio takes them: `{"name": {...}}`.

    Source:
        Istio injection-template.yaml, `fromJSON`; a list of whole items is taken too.
    """
    value = annotations.raw(name)
    if not isinstance(value, str) or not value:
        return ()
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and all(isinstance(item, dict) for item in found.values()):
        return tuple({"name": key, **item} for key, item in found.items())
    if isinstance(found, list) and all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in found):
        return tuple(cast(list[Mapping[str, object]], found))
    annotations.wrong(name, f'expected JSON such as {{"name": {{...}}}}, got {shown(value)}')
    return ()


def _read_proxy_config(annotations: Fields, read_yaml: ReadYaml) -> _Proxy:
    value = annotations.raw(PROXY_CONFIG)
    if not isinstance(value, str) or not value.strip():
        return _Proxy()
    try:
        values = read_yaml(value)
    except ValueError as error:
        annotations.wrong(PROXY_CONFIG, str(error))
        return _Proxy()
    fields = Fields(values, (*annotations.path, PROXY_CONFIG), annotations.report)
    metadata = fields.text_map("proxyMetadata")
    found = _Proxy(
        fields.maybe_flag("holdApplicationUntilProxyStarts"),
        fields.maybe_number("concurrency", low=0, high=MAX_CONCURRENCY),
        read_dns_capture(metadata),
        min(fields.duration("terminationDrainDuration", DRAIN), MAX_SECONDS),
    )
    if set(metadata) - {DNS_CAPTURE}:
        fields.wrong("proxyMetadata", f"expected {DNS_CAPTURE} alone, got more, which has no effect", severity="warning")
    for name in _IDLE_SETTINGS:
        fields.not_served(name)
    fields.finish()
    return found

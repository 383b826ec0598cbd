"""Istio's WorkloadGroup: what the WorkloadEntries of machines that join have in common, and how their health is asked for."""

import string
from collections.abc import Mapping
from typing import Literal

import attrs

from meshd.model.checks import annotation_key, label_key, label_value, one_line
from meshd.model.header_reading import header_value
from meshd.model.metadata import Metadata
from meshd.model.reading import Fields
from meshd.model.workload_entry import Workload, read_workload

_HEADER = frozenset(string.ascii_letters + string.digits + "-_")  # Kubernetes' names of a probe's headers
_METHODS = ("httpGet", "tcpSocket", "exec", "grpc")


@attrs.frozen
class Probe:
    """
    How a workload's health is asked for; the defaults are Istio's.

    Attributes:
        kind: `http`, `tcp`, `exec` or `grpc`.
        host / port / path / scheme: Of the request or connection; an empty host is the workload itself.
        headers: Of the request, in order.
        command: What is executed.
        service: Name asked of grpc.health.v1.
        initial_delay / timeout / period: Seconds.
        success_threshold / failure_threshold: Answers in a row until the verdict changes.
    """

    kind: Literal["http", "tcp", "exec", "grpc"]
    host: str = ""
    port: int = 0
    path: str = "/"
    scheme: str = "HTTP"
    headers: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = ()
    service: str = ""
    initial_delay: float = 0.0
    timeout: float = 1.0
    period: float = 10.0
    success_threshold: int = 1
    failure_threshold: int = 1


@attrs.frozen
class WorkloadGroup:
    """Istio's WorkloadGroup (networking.istio.io/v1)."""

    metadata: Metadata
    template: Workload
    labels: Mapping[str, str] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    probe: Probe | None = None


def read_workload_group(fields: Fields, metadata: Metadata) -> tuple[WorkloadGroup, ...]:
    """Read a WorkloadGroup."""
    spec = fields.mapping("spec")
    if "template" not in spec:
        spec.wrong("template", "expected a template, got nothing")
    ours = spec.mapping("metadata")
    group = WorkloadGroup(
        metadata, read_workload(spec.mapping("template"), template=True), ours.text_map("labels", key=label_key, value=label_value),
        ours.text_map("annotations", key=annotation_key), spec.optional("probe", read_probe),
    )
    ours.finish()
    spec.finish()
    return (group,)


def read_probe(fields: Fields) -> Probe:
    """Read a probe; its times are whole seconds, as in Kubernetes."""
    methods = [name for name in _METHODS if name in fields]
    if len(methods) != 1:
        fields.wrong("", f"expected one of {', '.join(_METHODS)}, got {' and '.join(methods) or 'none of them'}")
    probe = _read_method(fields, methods[0]) if methods else Probe("tcp")
    numbers = {name: fields.number(name, low=0, high=2**31 - 1) for name in (
        "initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold",
    )}
    fields.finish(_METHODS)
    return attrs.evolve(
        probe, initial_delay=float(numbers["initialDelaySeconds"]), timeout=float(numbers["timeoutSeconds"] or 1),
        period=float(numbers["periodSeconds"] or 10), success_threshold=numbers["successThreshold"] or 1,
        failure_threshold=numbers["failureThreshold"] or 1,
    )


def _read_method(fields: Fields, name: str) -> Probe:
    method = fields.mapping(name)
    probe = _METHOD_READERS[name](method)
    method.finish()
    return probe


def _read_http(method: Fields) -> Probe:
    headers = []
    for item in method.items("httpHeaders"):
        headers.append((item.text("name", check=_header, required=True), item.text("value", check=header_value)))
        item.finish()
    return Probe(
        "http", method.text("host", check=one_line), method.port("port", required=True), method.text("path", "/", check=one_line),
        method.choice("scheme", ("HTTP", "HTTPS"), "HTTP"), tuple(headers),
    )


def _header(text: str) -> str:
    return "" if text and not set(text) - _HEADER else "a header's name of letters, digits, '-' and '_'"


def _read_tcp(method: Fields) -> Probe:
    return Probe("tcp", method.text("host", check=one_line), method.port("port", required=True))


def _read_exec(method: Fields) -> Probe:
    command = method.texts("command", check=one_line)
    if method.is_empty("command"):
        method.wrong("command", "expected a command, got nothing")
    return Probe("exec", command=command)


def _read_grpc(method: Fields) -> Probe:
    return Probe("grpc", port=method.port("port", required=True), service=method.text("service", check=one_line))


_METHOD_READERS = {"httpGet": _read_http, "tcpSocket": _read_tcp, "exec": _read_exec, "grpc": _read_grpc}

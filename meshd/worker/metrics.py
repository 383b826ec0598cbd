"""Istio's standard metrics, with the labels that a worker knows: what was asked for, by what flags it ended, and whose the machine is."""

from collections.abc import Mapping
from typing import Final

from meshd.telemetry.instruments import Histogram, Instruments, Number
from meshd.telemetry.names import REQUEST_DURATION, REQUESTS, TCP_CLOSED, TCP_OPENED, TCP_RECEIVED, TCP_SENT
from meshd.worker.exchange import Exchange

MAX_KNOWN: Final = 4096
"""Label sets whose instruments are remembered; they are bound anew beyond that."""

UNKNOWN: Final = dict.fromkeys(TCP_SENT.labels, "unknown")  # as Istio has it
PASSED_THROUGH: Final = ("PassthroughCluster", "BlackHoleCluster", "InboundPassthroughCluster")


class HttpSeries:
    """Instruments of exchanges that ended alike."""

    __slots__ = ("duration", "requests")

    def __init__(self, requests: Number, duration: Histogram) -> None:
        """Take them."""
        self.requests = requests
        self.duration = duration


class Metrics:
    """Counts what a worker has done; labels are bound once for all that ended alike."""

    __slots__ = ("_http", "_inbound", "_instruments", "_own", "_tcp")

    def __init__(self, instruments: Instruments) -> None:
        """Begin with nothing counted."""
        self._instruments = instruments
        self._http: dict[tuple[str, str, int, str], HttpSeries] = {}
        self._tcp: dict[tuple[str, str, str], tuple[Number, Number, Number, Number]] = {}
        self._inbound: frozenset[str] = frozenset()
        self._own = ("unknown", "unknown")

    def use(self, name: str, namespace: str, inbound: frozenset[str]) -> None:
        """
        Take what another program says.

        Args:
            name: Of this machine's workload.
            namespace: Its namespace.
            inbound: Names of the bound listeners that take connections to this machine.
        """
        self._own = (name, namespace)
        self._inbound = inbound
        self._http.clear()
        self._tcp.clear()

    def count_exchange(self, exchange: Exchange) -> None:
        """Count an exchange that has ended."""
        cluster = exchange.cluster
        key = (exchange.connection.bound, "" if cluster is None else cluster.name, exchange.status, exchange.flags)
        series = self._http.get(key)
        if series is None:
            series = self._bind_http(key)
        series.requests.value += 1.0
        series.duration.observe(exchange.duration * 1000.0)

    def count_opened(self, listener: str, cluster: str) -> None:
        """Count a TCP connection that begins: by the bound listener that accepted it and the cluster it goes to, empty if there is none."""
        self._find_tcp(listener, cluster, "")[0].value += 1.0

    def count_closed(self, listener: str, cluster: str, flags: str, received: int, sent: int) -> None:
        """Count a TCP connection that has ended, with the bytes taken from the client and those from the upstream."""
        _, closed, bytes_received, bytes_sent = self._find_tcp(listener, cluster, flags)
        closed.value += 1.0
        bytes_received.value += received
        bytes_sent.value += sent

    def _bind_http(self, key: tuple[str, str, int, str]) -> HttpSeries:
        listener, cluster, status, flags = key
        labels = {**self._labels(listener, cluster, flags, "http"), "response_code": str(status)}
        series = HttpSeries(self._instruments.number(REQUESTS, labels), self._instruments.histogram(REQUEST_DURATION, labels))
        if len(self._http) >= MAX_KNOWN:
            self._http.clear()
        self._http[key] = series
        return series

    def _find_tcp(self, listener: str, cluster: str, flags: str) -> tuple[Number, Number, Number, Number]:
        key = (listener, cluster, flags)
        series = self._tcp.get(key)
        if series is None:
            labels, number = self._labels(listener, cluster, flags, "tcp"), self._instruments.number
            series = number(TCP_OPENED, labels), number(TCP_CLOSED, labels), number(TCP_RECEIVED, labels), number(TCP_SENT, labels)
            if len(self._tcp) >= MAX_KNOWN:
                self._tcp.clear()
            self._tcp[key] = series
        return series

    def _labels(self, listener: str, cluster: str, flags: str, protocol: str) -> Mapping[str, str]:
        inbound = listener in self._inbound
        own = "destination" if inbound else "source"
        service, name, namespace = read_service(cluster)
        return {
            **UNKNOWN, "reporter": own, f"{own}_workload": self._own[0], f"{own}_workload_namespace": self._own[1], "destination_service": service,
            "destination_service_name": name, "destination_service_namespace": namespace, "request_protocol": protocol,
            "response_flags": flags or "-", "connection_security_policy": "none" if inbound else "unknown",
        }


def read_service(cluster: str) -> tuple[str, str, str]:
    """
    Read out of a cluster's name which service it stands for: host name, name, namespace; what is not said is `unknown`.

    Connections that are passed through have the cluster's name for both names, as with Istio.
    """
    if cluster.startswith(PASSED_THROUGH):
        return cluster, cluster, "unknown"
    host = cluster.rpartition("|")[2]
    if not host:
        return "unknown", "unknown", "unknown"
    labels = host.split(".")
    if labels[2:3] == ["svc"]:
        return host, labels[0], labels[1]
    return host, host, "unknown"

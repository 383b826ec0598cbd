"""What is known of a downstream connection: what filter chains are chosen by, and what its log lines say."""

from meshd.base.addresses import format_address
from meshd.snapshot.tls import DownstreamTls
from meshd.telemetry.tls_facts import TlsFacts
from meshd.worker.upstream.host import UpstreamHost


class Downstream:
    """
    One downstream connection's facts; satisfies `tables.interfaces.Connection`.

    Attributes:
        destination_address: Original destination's IP.
        destination_port: Its port.
        source_address: The peer's IP.
        source_port: Its port.
        transport_protocol: `raw_buffer`, or `tls` when a ClientHello was seen.
        application_protocols: From the ClientHello, or what the first bytes were recognised as.
        server_name: SNI, lower case; empty without one.
        diverted: The original destination is not our own listening port.
        destination: `address:port` of the original destination, as the access log writes it.
        source: `address:port` of the peer.
        listener: Name of the listener whose filter chains apply.
        filter_chain: Name of the filter chain that serves it, once chosen; may be empty.
        bound: Name of the listener that it was accepted on.
        accepted_at: Monotonic seconds.
        number: Among the connections of the worker, from 1.
        tls: The TLS that was ended for it; None: none was.
        parts: Parts of endpoints whose connections tell of this one; None for none.
        terms: How TLS was to be ended for it.
        scheme: `http`, or `https` within TLS.
        failure: What was wrong with TLS, in Envoy's words; empty: nothing.
    """

    __slots__ = (
        "accepted_at", "application_protocols", "bound", "destination", "destination_address", "destination_port", "diverted", "failure",
        "filter_chain",
        "listener",
        "number", "parts", "scheme", "server_name", "source", "source_address", "source_port", "terms", "tls", "transport_protocol",
    )

    def __init__(
        self, destination: tuple[str, int], source: tuple[str, int], *, diverted: bool, listener: str, bound: str = "", now: float = 0.0,
        number: int = 0,
    ) -> None:
        """Begin with addresses alone: raw bytes of an unknown protocol."""
        self.destination_address, self.destination_port = destination
        self.source_address, self.source_port = source
        self.destination = format_address(*destination)
        self.source = format_address(*source)
        self.diverted = diverted
        self.listener = listener
        self.filter_chain = ""
        self.bound = bound or listener
        self.accepted_at = now
        self.number = number
        self.transport_protocol = "raw_buffer"
        self.application_protocols: tuple[str, ...] = ()
        self.server_name = ""
        self.tls: TlsFacts | None = None
        self.parts: list[UpstreamHost] | None = None
        self.terms: DownstreamTls | None = None
        self.scheme = b"http"
        self.failure = ""

    def leave_parts(self) -> None:
        """Have closed what upstreams were told of this connection: it has ended."""
        for part in self.parts or ():
            part.left()

"""Who owns a stream."""

from meshd.base.traits import trait


@trait
class StreamOwner:
    """Who acts on a stream's events; after `on_end`, `on_lost` or `close` no bytes come any more."""

    __slots__ = ()

    def on_connected(self) -> None:
        """Act on a connect that succeeded after the stream was made."""

    def on_bytes(self, data: bytes) -> None:
        """Take bytes, never empty."""

    def on_end(self) -> None:
        """Act on the peer's half-close (FIN); writing is still possible."""

    def on_lost(self, code: int) -> None:
        """Act on a connection that failed; `code` is the errno (ECONNRESET, ECONNREFUSED...). The stream is closed already."""

    def on_room(self) -> None:
        """Go on feeding a stream that was full."""

    def on_broken(self) -> None:
        """End everything that belongs to this stream: a bug was met while its events were acted on."""

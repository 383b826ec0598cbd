"""What a DNS proxy counts."""

from meshd.telemetry.instruments import Instruments
from meshd.telemetry.names import DNS_QUERIES


class Counts:
    """
    Queries since the worker began, by who knew the answer.

    Attributes:
        table: The mesh's table.
        cache: An answer of a server, kept.
        server: A server, asked for this.
        nobody: Nobody, or it was no question.
    """

    __slots__ = ("_told", "cache", "nobody", "server", "table")

    def __init__(self) -> None:
        """Begin at zero."""
        self.table = self.cache = self.server = self.nobody = 0
        self._told: dict[str, int] = {}

    def read(self) -> dict[str, int]:
        """Give the counts by name."""
        return {"table": self.table, "cache": self.cache, "server": self.server, "nobody": self.nobody}

    def tell(self, instruments: Instruments) -> None:
        """Add what was counted since the last time to a worker's metrics."""
        for name, count in self.read().items():
            instruments.number(DNS_QUERIES, {"answered_by": name}).value += count - self._told.get(name, 0)
            self._told[name] = count

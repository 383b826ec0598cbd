"""Where a resource came from, so that everything derived from it can say so."""

import attrs


@attrs.frozen
class Origin:
    """
    The place of one resource: file and line, or the name of a source, and the resource's own name.

    Attributes:
        file: Path as the operator wrote it, relative to the configuration directory; or a source's name.
        line: First line of the document in `file`, from 1; 0 where lines mean nothing.
        kind: The resource's kind, as written.
        namespace: Empty for resources without one.
        name: The resource's name.
    """

    file: str
    line: int = 0
    kind: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def place(self) -> str:
        """Give `file:line`, or the file alone where lines mean nothing."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def resource(self) -> str:
        """Give `Kind namespace/name`, as messages quote it; empty where the kind is unknown."""
        if not self.kind:
            return ""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}" if name else self.kind

    def __str__(self) -> str:
        """Give `file:line (Kind namespace/name)`."""
        return f"{self.place} ({self.resource})" if self.resource else self.place

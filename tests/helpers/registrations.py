"""What registers, for tests: groups, statements, and registrations that tell what they told."""

from typing import Any

import attrs
from twisted.internet.task import Clock

from meshd.model.workload_entry import Workload
from meshd.model.workload_group import Probe, WorkloadGroup
from meshd.registry.registrations import Registrations
from meshd.registry.statement import Statement
from tests.helpers.services import metadata

GRACE = 10.0


def group(name: str = "web", probe: Probe | None = None, **more: Any) -> WorkloadGroup:
    """Give a WorkloadGroup in the namespace `shop`, whose workloads are of the app of its name."""
    return WorkloadGroup(metadata("WorkloadGroup", name, "shop"), Workload("", {"http": 8080}, {"app": name}), probe=probe, **more)


def said(address: str = "10.0.0.1", sequence: int = 1, **more: Any) -> Statement:
    """Give a statement of a machine that is told from others by its address."""
    statement = Statement("shop", "web", address, instance=f"i{address}", run="r1", sequence=sequence)
    return attrs.evolve(statement, **more)


class Wall:
    """A wall clock that a test moves."""

    now = 1_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now


class Taken:
    """
    Registrations with everything around them.

    Attributes:
        groups: WorkloadGroups by name.
        told: Keys of what was told of, one list a time; those that are gone with a `-`.
    """

    def __init__(self) -> None:
        """Begin with one group."""
        self.clock, self.wall = Clock(), Wall()
        self.groups = {"web": group()}
        self.told: list[list[str]] = []
        self.registrations = Registrations(
            self.clock, lambda namespace, name: self.groups.get(name) if namespace == "shop" else None, GRACE, "meshd-n1",
            on_change=lambda changed: self.told.append([key if entry else f"-{key}" for key, entry in changed.items()]), wall_clock=self.wall,
        )

    def put(self, *statements: Statement, token: str = "t") -> list[Any]:
        """Take statements; give what became of each."""
        return [self.registrations.put(statement, token) for statement in statements]

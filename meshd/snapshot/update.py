"""What changes from one snapshot to the next, part by part: the content of a push."""

from collections.abc import Mapping
from typing import Any

import attrs

from meshd.base.errors import WireError
from meshd.snapshot.snapshot import PARTS, NodeReference, Snapshot


@attrs.frozen
class PartUpdate:
    """
    The change of one part.

    Attributes:
        version: What the part is called afterwards; opaque, compared for equality only.
        base: The version it applies to; empty: the part is replaced whole.
        changed: New and changed resources by name.
        removed: Names of those that go.
    """

    version: str
    base: str = ""
    changed: Mapping[str, Any] = attrs.field(factory=dict)
    removed: tuple[str, ...] = ()


@attrs.frozen
class Update:
    """Changes of some parts of one node's snapshot; parts that are not named stay as they are."""

    node: NodeReference
    parts: Mapping[str, PartUpdate] = attrs.field(factory=dict)


def find_changes(old: Snapshot | None, new: Snapshot, old_versions: Mapping[str, str], new_versions: Mapping[str, str]) -> Update:
    """
    Give what turns one snapshot into another.

    Args:
        old: What the receiver has; None for nothing.
        new: What it shall have.
        old_versions: The receiver's version of each part, as far as it has any.
        new_versions: A version for each part of `new`.

    Returns:
        Parts whose versions are equal are left out.
    """
    parts = {}
    for part in PARTS:
        version, base = new_versions[part], old_versions.get(part, "") if old is not None else ""
        if version == base:
            continue
        after = getattr(new, part)
        before = getattr(old, part) if base else {}
        changed = {name: resource for name, resource in after.items() if before.get(name) is not resource and before.get(name) != resource}
        parts[part] = PartUpdate(version, base, changed, tuple(name for name in before if name not in after))
    return Update(new.node, parts)


def apply_update(snapshot: Snapshot | None, versions: Mapping[str, str], update: Update) -> tuple[Snapshot, dict[str, str]]:
    """
    Give the snapshot and versions after an update; what was given stays as it is.

    Raises:
        WireError: If a part of the update applies to another version than the one there is.
    """
    before = snapshot if snapshot is not None else Snapshot(update.node)
    parts: dict[str, Mapping[str, Any]] = {}
    for part, change in update.parts.items():
        if change.base and change.base != versions.get(part, ""):
            raise WireError(f"{part}: the update applies to version {change.base}, version {versions.get(part, '') or 'none'} is here")
        resources = dict(getattr(before, part)) if change.base else {}
        for name in change.removed:
            resources.pop(name, None)
        resources.update(change.changed)
        parts[part] = resources
    return attrs.evolve(before, node=update.node, **parts), {**versions, **{part: change.version for part, change in update.parts.items()}}

"""Generations: every snapshot that was made, numbered, and the last few kept on disk, so that a start can serve what served before."""

import os
from collections.abc import Mapping
from pathlib import Path

import attrs
from twisted.logger import Logger

from meshd.base.errors import WireError
from meshd.snapshot.snapshot import PARTS, Snapshot
from meshd.snapshot.update import apply_update, find_changes
from meshd.snapshot.wire import decode, encode

KEPT = 10  # generations on disk
_SUFFIX = ".meshd"

log = Logger()


@attrs.frozen
class Generation:
    """
    A snapshot with its number.

    Attributes:
        number: Counts up for as long as the state directory lives.
        snapshot: What is served.
        versions: For each part a text that no other content of that part ever has: the number of the generation that last changed it,
            and a nonce of the control plane's run, since a run that was killed may have used numbers that nobody remembers.
    """

    number: int
    snapshot: Snapshot
    versions: Mapping[str, str]


def next_generation(last: Generation | None, snapshot: Snapshot, nonce: str) -> Generation | None:
    """Give the generation for a new snapshot, or None if it serves as the last one does."""
    if last is None:
        return Generation(1, snapshot, dict.fromkeys(PARTS, f"1-{nonce}"))
    changed = [part for part in PARTS if _differ(getattr(last.snapshot, part), getattr(snapshot, part))]
    if not changed and last.snapshot.node == snapshot.node:
        return None
    number = last.number + 1
    return Generation(number, snapshot, {part: f"{number}-{nonce}" if part in changed else last.versions[part] for part in PARTS})


def _differ(before: Mapping[str, object], after: Mapping[str, object]) -> bool:
    return before is not after and before != after


@attrs.frozen
class GenerationStore:
    """The generations in one directory, a file each; a file is there whole or not at all."""

    directory: Path

    def save(self, generation: Generation) -> None:
        """
        Write a generation, but for its secrets, and forget the oldest ones.

        Raises:
            OSError: If it cannot be written.
        """
        content = encode(find_changes(None, attrs.evolve(generation.snapshot, secrets={}), {}, generation.versions))
        path = self.directory / f"{generation.number:010}{_SUFFIX}"
        draft = path.with_suffix(".draft")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        for old in self._paths()[:-KEPT]:
            old.unlink(missing_ok=True)

    def load(self) -> Generation | None:
        """Read the newest generation that can be read; None if there is none."""
        for path in reversed(self._paths()):
            try:
                snapshot, versions = apply_update(None, {}, decode(path.read_bytes()))
                if not set(PARTS).issuperset(versions) or "listeners" not in versions:
                    raise WireError("parts are missing")
                return Generation(int(path.stem), snapshot, {**dict.fromkeys(PARTS, f"none-{path.stem}"), **versions})
            except (OSError, WireError) as error:
                log.warn("{path}: not used: {error}", path=str(path), error=error)
        return None

    def saved_at(self, number: int) -> float:
        """Tell when a generation was saved, seconds since the epoch; 0 if it is not there."""
        try:
            return (self.directory / f"{number:010}{_SUFFIX}").stat().st_mtime
        except OSError:
            return 0.0

    def numbers(self) -> list[int]:
        """Give the numbers of the generations there are, oldest first."""
        return [int(path.stem) for path in self._paths()]

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.directory.glob(f"*{_SUFFIX}") if path.stem.isascii() and path.stem.isdigit())

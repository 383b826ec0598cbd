"""Tables of rules by path built: a group for each known prefix and each known whole path, without the rules that others surely go before."""

import sys
from bisect import bisect_right
from collections.abc import Generator
from typing import Literal

from meshd.tables.rule_groups import Draft, group_slices
from meshd.tables.rules import Group, PathTable

NO_LIMIT = sys.maxsize

KnownPath = Literal["prefix", "exact", "path_separated_prefix"]


class FiledPaths:
    """Rules by the prefix, and by the whole path without query, that they want; both to be added to in order."""

    def __init__(self) -> None:
        self.by_prefix: dict[bytes, list[Draft]] = {}
        self.by_path: dict[bytes, list[Draft]] = {}

    def add(self, kind: KnownPath, path: bytes, draft: Draft) -> None:
        """File a rule. A path to match has no `?`: a rule with one takes nothing."""
        if b"?" in path:
            return
        if kind != "exact":
            self.by_prefix.setdefault(path if kind == "prefix" else path + b"/", []).append(draft)
        if kind != "prefix":
            self.by_path.setdefault(path, []).append(draft)

    def slices(self) -> Generator[None, None, PathTable]:
        """Build the table bit by bit: yields after each rule, returns the table."""
        prefixes = sorted(self.by_prefix)
        parents = _parents(prefixes)
        groups: list[Group] = []
        above: list[int] = []
        limits: list[int] = []
        for prefix, parent in zip(prefixes, parents, strict=True):
            limit = limits[parent] if parent >= 0 else NO_LIMIT
            drafts = _up_to_sure(self.by_prefix[prefix], limit)
            if not drafts:  # what stands above goes before all of them
                groups.append(groups[parent])
                above.append(above[parent])
                limits.append(limit)
                continue
            groups.append((yield from group_slices(drafts)))
            limit = drafts[-1].order if not drafts[-1].asked else limit
            while parent >= 0 and groups[parent].first > limit:
                parent = above[parent]
            above.append(parent)
            limits.append(limit)
        exact: dict[bytes, Group] = {}
        for path, drafts in self.by_path.items():
            index = _longest(prefixes, parents, path)
            drafts = _up_to_sure(drafts, limits[index] if index >= 0 else NO_LIMIT)
            if drafts:
                exact[path] = yield from group_slices(drafts)
        return PathTable(exact, prefixes, parents, groups, above)


def _up_to_sure(drafts: list[Draft], limit: int) -> list[Draft]:
    """Give the rules that stand before a limit, up to the first that surely takes what comes to it."""
    kept: list[Draft] = []
    for draft in drafts:
        if draft.order > limit:
            break
        kept.append(draft)
        if not draft.asked:
            break
    return kept


def _parents(prefixes: list[bytes]) -> list[int]:
    """Return for each of the sorted prefixes the index of the longest other one that it begins with, or -1."""
    parents: list[int] = []
    open_prefixes: list[int] = []
    for index, prefix in enumerate(prefixes):
        while open_prefixes and not prefix.startswith(prefixes[open_prefixes[-1]]):
            open_prefixes.pop()
        parents.append(open_prefixes[-1] if open_prefixes else -1)
        open_prefixes.append(index)
    return parents


def _longest(prefixes: list[bytes], parents: list[int], path: bytes) -> int:
    """Return the index of the longest known prefix of a path, or -1: what sorts just before the path, or one that it begins with."""
    index = bisect_right(prefixes, path) - 1
    while index >= 0 and not path.startswith(prefixes[index]):
        index = parents[index]
    return index

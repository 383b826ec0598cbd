"""Documents as they are written, those that cannot be used among them, with the line of each field: for looking at them as a whole, once."""

import os
from collections.abc import Container, Iterable, Mapping

import attrs

from meshd.base.errors import Problem
from meshd.base.origins import Origin
from meshd.model.drafts import Draft, Identity, pick_used
from meshd.model.kinds import identify, read_as_written
from meshd.model.mesh import Mesh, surplus_meshes
from meshd.model.paths import Path
from meshd.model.raw import Raw, read_raw
from meshd.model.world import Resource
from meshd.sources.directory import read_contents
from meshd.sources.documents import Chunk, Document, read_chunk, split

Place = tuple[str, int, str, str]
"""File, line, kind and name of a document."""


@attrs.define(eq=False)
class Written:
    """
    What files say.

    Attributes:
        resources: One for each name: the first that can be used, else the first.
        problems: Everything that is wrong with the files, the documents and their number.
        documents: Of some kinds, as they are written.
    """

    resources: tuple[Resource, ...]
    problems: tuple[Problem, ...]
    documents: tuple[Raw, ...] = ()
    _chunks: Mapping[Place, tuple[Chunk, int]] = attrs.field(factory=dict)
    _last: tuple[Chunk, list[Document]] | None = None

    def line_of(self, origin: Origin, path: Path) -> int:
        """
        Look up the line of a field of a resource; 0 where it is not from these files.

        The document is parsed again, since keeping the positions of all fields would take many times the memory of the files; the last one
        is kept, so ask for those of one document in a row.
        """
        found = self._chunks.get(_place(origin))
        if found is None:
            return 0
        chunk, index = found
        if self._last is None or self._last[0] is not chunk:
            self._last = (chunk, read_chunk(chunk, origin.file))
        return self._last[1][index].lines(path)


Kinds = Container[tuple[str, str]]
"""API groups and kinds."""


def read_written(paths: Iterable[str], keep: Kinds = ()) -> Written:
    """Read files and directories; files are named as their paths are given. Of the kinds `keep` documents are kept as they are written."""
    contents: dict[str, bytes] = {}
    problems: list[Problem] = []
    for path in paths:
        found, wrong = read_contents(path)
        folder = path if os.path.isdir(path) else os.path.dirname(path)
        contents.update((os.path.join(folder, name), content) for name, content in found.items())
        problems += [attrs.evolve(one, origin=attrs.evolve(one.origin, file=os.path.join(folder, one.origin.file))) for one in wrong]
    return read_texts(contents, problems, keep)


def read_texts(contents: Mapping[str, bytes], problems: Iterable[Problem] = (), keep: Kinds = ()) -> Written:
    """Read the contents of files, by name; `problems` are those of files that could not be read, and `keep` as above."""
    drafts: list[Draft] = []
    documents: list[Raw] = []
    chunks: dict[Place, tuple[Chunk, int]] = {}
    for file, content in contents.items():
        for chunk in split(content, file):
            for index, document in enumerate(read_chunk(chunk, file)):
                chunks[_place(document.origin)] = (chunk, index)
                drafts.append(_draft(document))
                raw = None if document.problems else read_raw(document.body, document.origin)
                if raw is not None and (raw.group, raw.kind) in keep:
                    documents.append(raw)
    used, wrong = pick_used(drafts)
    kept: dict[Identity, Draft] = {draft.identity: draft for draft in used if draft.identity is not None}
    for draft in sorted(drafts, key=lambda draft: draft.place):
        if draft.identity is not None:
            kept.setdefault(draft.identity, draft)
    resources = tuple(resource for draft in kept.values() for resource in draft.resources)
    meshes = surplus_meshes(resource for resource in resources if isinstance(resource, Mesh))
    return Written(resources, (*problems, *wrong, *meshes), tuple(documents), chunks)


def _draft(document: Document) -> Draft:
    identity = identify(document.body)
    if document.problems:
        return Draft(document.origin, identity, problems=document.problems)
    resources, problems = read_as_written(document.body, document.origin, document.lines)
    return Draft(resources[0].metadata.origin if resources else document.origin, identity, resources, tuple(problems))


def _place(origin: Origin) -> Place:
    return (origin.file, origin.line, origin.kind, origin.name)

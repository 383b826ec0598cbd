"""Bytes of a file to drafts; documents whose bytes and line have not changed are not read again."""

import hashlib
from collections.abc import Iterator, Mapping

import attrs

from meshd.model.drafts import Draft
from meshd.model.kinds import identify, read_resource
from meshd.sources.documents import Chunk, Document, read_chunk, split

ChunkKey = tuple[int, bytes]
"""First line and digest of a chunk."""

Known = Mapping[ChunkKey, tuple[Draft, ...]]
"""What the chunks of a file's previous content said."""


@attrs.define(eq=False)
class Reading:
    """A file being read; `chunks` grows in the order of the file."""

    chunks: dict[ChunkKey, tuple[Draft, ...]] = attrs.field(factory=dict)

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """Every draft of the file, in order."""
        return tuple(draft for drafts in self.chunks.values() for draft in drafts)


def read_drafts(content: bytes, file: str, reading: Reading, known: Known) -> Iterator[None]:
    """Read a file; yields after each document, so that the caller can pause."""
    for chunk in split(content, file):
        key = _key(chunk)
        drafts = known.get(key)
        reading.chunks[key] = _read(chunk, file) if drafts is None else drafts
        yield


def read_all(content: bytes, file: str) -> tuple[Draft, ...]:
    """Read a file at once."""
    reading = Reading()
    for _ in read_drafts(content, file, reading, {}):
        pass
    return reading.drafts


def _key(chunk: Chunk) -> ChunkKey:
    return (chunk.line, hashlib.blake2b(chunk.content, digest_size=16).digest())


def _read(chunk: Chunk, file: str) -> tuple[Draft, ...]:
    return tuple(_draft(document) for document in read_chunk(chunk, file))


def _draft(document: Document) -> Draft:
    identity = identify(document.body)
    if document.problems:
        return Draft(document.origin, identity, problems=document.problems)
    resources, problems = read_resource(document.body, document.origin, document.lines)
    origin = resources[0].metadata.origin if resources else document.origin
    return Draft(origin, identity, resources, tuple(problems))

"""Files as documents with their bytes, so that what is not changed can be written as it was."""

import json
from collections.abc import Mapping

import attrs

from meshd.sources.documents import Chunk, Document, read_chunk, split

MARKER = b"---"


@attrs.frozen
class Part:
    """
    A piece of a file.

    Attributes:
        written: Its bytes: between two document markers of YAML, the first of them included; or a value of JSON.
        document: What it says, a `List` as it is; None for comments alone.
    """

    written: bytes
    document: Document | None


def read_parts(content: bytes, file: str) -> list[Part]:
    """Read a file; `.json` tells that it is JSON. Documents that cannot be read have problems."""
    found: list[Part] = []
    for chunk in split(content, file):
        documents = read_chunk(chunk, file, open_lists=False)
        if len(documents) == 1 or not documents:
            found.append(Part(chunk.content, documents[0] if documents else None))
        else:  # several values of a JSON file
            found += [Part(json.dumps(document.body, indent=2, ensure_ascii=False).encode(), document) for document in documents]
    return found


def join(texts: list[bytes]) -> bytes:
    """Make one stream of YAML of the texts of documents."""
    found: list[bytes] = []
    for text in texts:
        if found and not text.startswith(MARKER):
            found.append(MARKER + b"\n")
        found.append(text if text.endswith(b"\n") else text + b"\n")
    return b"".join(found)


def read_mapping(text: str) -> Mapping[str, object]:
    """
    Read a text of YAML that holds one mapping, such as an annotation.

    Raises:
        ValueError: With what is wrong with it.
    """
    documents = read_chunk(Chunk(1, text.encode(errors="replace")), "", is_json=False, open_lists=False)
    problem = next((problem for document in documents for problem in document.problems), None)
    if problem is not None:
        raise ValueError(problem.message.replace(" with apiVersion, kind and metadata", ""))
    if len(documents) > 1:
        raise ValueError(f"expected one document, got {len(documents)}")
    return documents[0].body if documents else {}

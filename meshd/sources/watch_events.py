"""Lines of an API server's watch, and items of its lists, to events; what cannot be used is named, never raised."""

import json
from collections.abc import Mapping
from typing import Any, Literal

import attrs

MAX_OBJECT = 4 * 1024 * 1024  # bytes; etcd takes no object above 1.5 MiB, of which JSON may be twice as long
END_OF_LIST = "k8s.io/initial-events-end"  # annotation of the bookmark that ends a streamed list
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"  # annotation in which kubectl repeats the whole object

Key = tuple[str, str]
"""Namespace, empty for kinds without one, and name."""

Fault = Literal[
    "a line that is too long", "a line that is no JSON", "a line that is no event", "an object of another kind", "an object without metadata",
    "an event of an unknown type", "an event out of order", "an object too many",
]
"""What can be wrong with an event."""


@attrs.frozen
class Event:
    """
    One event of a watch.

    Attributes:
        type: `changed`, `deleted`, `bookmark` (no object, the version alone is news), `end of list` (a bookmark that says so), `error`, or
            `kept` (from the disk).
        key: Which object.
        version: Its resourceVersion; of bookmarks, the collection's.
        identity: Differs between any two versions of objects of one key, those that were made anew among them.
        body: The object, without what nobody reads; of an error, the server's Status.
        size: Bytes of the line.
    """

    type: Literal["changed", "deleted", "bookmark", "end of list", "error", "kept"]
    key: Key = ("", "")
    version: str = ""
    identity: str = ""
    body: dict[str, Any] = attrs.field(factory=dict)
    size: int = 0


_TYPES: dict[object, Literal["changed", "deleted", "bookmark", "error"]] = {
    "ADDED": "changed", "MODIFIED": "changed", "DELETED": "deleted", "BOOKMARK": "bookmark", "ERROR": "error",
}


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_constant)


def read_line(line: bytes, kind: str) -> Event | Fault:
    """Read one line of a watch for objects of a kind."""
    if len(line) > MAX_OBJECT:
        return "a line that is too long"
    try:
        found = _DECODER.decode(line.decode())
    except (ValueError, RecursionError):
        return "a line that is no JSON"
    if not isinstance(found, dict) or not isinstance(found.get("object"), dict):
        return "a line that is no event"
    name = found.get("type")
    known = _TYPES.get(name) if isinstance(name, str) else None
    if known is None:
        return "an event of an unknown type"
    body: dict[str, Any] = found["object"]
    if known == "error":
        return Event("error", body=body)
    if body.get("kind") != kind:
        return "an object of another kind"
    if known == "bookmark":
        return _read_bookmark(body)
    return _read_object(body, known, len(line))


def read_item(body: object, api_version: str, kind: str) -> Event | Fault:
    """Read one item of a list of objects of a kind; those of Kubernetes' own kinds do not say again which it is."""
    if not isinstance(body, dict):
        return "an object without metadata"
    body.setdefault("apiVersion", api_version)
    if body.setdefault("kind", kind) != kind:
        return "an object of another kind"
    return _read_object(body, "changed", 0)


def read_kept(content: bytes, kind: str) -> Event | None:
    """Read the JSON of an object of a kind that was kept; None if it is none."""
    try:
        body = _DECODER.decode(content.decode())
    except (ValueError, RecursionError):
        return None
    event = read_item(body, "", kind)
    return attrs.evolve(event, type="kept", size=len(content)) if isinstance(event, Event) else None


def later(version: str, than: str) -> bool:
    """Tell whether a version is later than another; versions that are no numbers (Kubernetes promises them since 1.35) are if they differ."""
    if version.isascii() and than.isascii() and version.isdigit() and than.isdigit():
        return (len(version), version) > (len(than), than)
    return version != than


def _read_bookmark(body: Mapping[str, Any]) -> Event | Fault:
    metadata = body.get("metadata")
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(version, str) or not version:
        return "an object without metadata"
    annotations = metadata.get("annotations")
    ends = isinstance(annotations, dict) and annotations.get(END_OF_LIST) == "true"
    return Event("end of list" if ends else "bookmark", version=version)


def _read_object(body: dict[str, Any], known: Literal["changed", "deleted", "bookmark"], size: int) -> Event | Fault:
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        return "an object without metadata"
    name, namespace, version = metadata.get("name"), metadata.get("namespace", ""), metadata.get("resourceVersion")
    if not (isinstance(name, str) and isinstance(namespace, str) and isinstance(version, str) and name and version):
        return "an object without metadata"
    metadata.pop("managedFields", None)
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        annotations.pop(APPLIED, None)
    return Event(known, (namespace, name), version, f"{version}/{metadata.get('uid')}", body, size)

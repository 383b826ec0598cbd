"""Documents as they are written: of kinds that nobody reads, and for fields that no reader keeps."""

from collections.abc import Iterator, Mapping

import attrs

from meshd.base.origins import Origin
from meshd.model.kinds import identify
from meshd.model.paths import Path


@attrs.frozen(eq=False)
class Raw:
    """
    One document.

    Attributes:
        group: Of its API.
        kind: Its kind.
        origin: Where it stands, and its name.
        body: All of it, as YAML or JSON have it.
    """

    group: str
    kind: str
    origin: Origin
    body: Mapping[str, object]

    def at(self, *path: str) -> object:
        """Give the value of a field; None where it is absent."""
        return value_at(self.body, *path)

    def texts(self, *path: str) -> dict[str, str]:
        """Give a mapping of texts, such as labels, less what is none."""
        return {key: value for key, value in mapping_of(self.at(*path)).items() if isinstance(value, str)}


def read_raw(body: object, origin: Origin) -> Raw | None:
    """Take a document as it is; None where it does not say what it is."""
    identity = identify(body)
    if identity is None or not isinstance(body, Mapping):
        return None
    named = attrs.evolve(origin, namespace=identity.namespace, name=identity.name)
    return Raw(identity.group, identity.kind, named, body)


def value_at(value: object, *path: str) -> object:
    """Give what stands at a path below a value; None where nothing does."""
    for name in path:
        value = mapping_of(value).get(name)
    return value


def mapping_of(value: object) -> Mapping[str, object]:
    """Give a mapping with texts for keys; an empty one for anything else."""
    return {key: found for key, found in value.items() if isinstance(key, str)} if isinstance(value, Mapping) else {}


def items_at(value: object, *path: str) -> Iterator[tuple[Path, Mapping[str, object]]]:
    """Yield the mappings of a list at a path below a value, each with its own path."""
    found = value_at(value, *path)
    for index, item in enumerate(found if isinstance(found, list) else ()):
        if isinstance(item, Mapping):
            yield (*path, index), mapping_of(item)

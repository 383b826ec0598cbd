"""The volumes of a pod as folders of this machine."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.kubernetes.kubelet.environment import Facts, Json


def write_volumes(folder: Path, facts: Facts, token: Callable[[Json], str]) -> dict[str, Path]:
    """
    Write every volume of a pod below a folder; gives the folder of each by its name.

    Args:
        folder: Empty.
        facts: The pod.
        token: Gives a token of its service account for a `serviceAccountToken` source.
    """
    found = {}
    for volume in facts.pod["spec"].get("volumes", ()):
        place = found[volume["name"]] = folder / volume["name"]
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o777 if "emptyDir" in volume else 0o755)
        for source in volume.get("projected", {}).get("sources", [volume]):
            for path, content in _files(source, facts, token).items():
                file = place / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
    return found


def _files(source: Json, facts: Facts, token: Callable[[Json], str]) -> Mapping[str, bytes]:
    """Give the files of one source by their paths; a kind of volume that is not known has none."""
    if "serviceAccountToken" in source:
        wanted = source["serviceAccountToken"]
        return {wanted["path"]: token(wanted).encode()}
    if "downwardAPI" in source:
        items = source["downwardAPI"].get("items", ())
        return {item["path"]: facts.field(item["fieldRef"]["fieldPath"]).encode() for item in items}
    for plural, key in (("configmaps", "configMap"), ("secrets", "secret")):
        if key in source:
            values = facts.find(plural, source[key].get("name") or source[key]["secretName"])
            items = source[key].get("items") or [{"key": name, "path": name} for name in values]
            return {item["path"]: values[item["key"]] for item in items}
    return {}


def data_of(found: Json) -> dict[str, bytes]:
    """Give what a ConfigMap or Secret holds."""
    if found.get("kind") == "Secret":
        return {name: base64.b64decode(value) for name, value in found.get("data", {}).items()}
    binary = {name: base64.b64decode(value) for name, value in found.get("binaryData", {}).items()}
    return {**{name: value.encode() for name, value in found.get("data", {}).items()}, **binary}

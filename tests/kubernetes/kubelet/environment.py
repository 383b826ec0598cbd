"""The environment and command of a container, as its pod says."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

Json = dict[str, Any]


@attrs.frozen
class Facts:
    """
    What a container may ask of its pod, and of other objects.

    Attributes:
        pod: As the API server has it, with the addresses in its status.
        find: Gives a ConfigMap or Secret of the pod's namespace, by plural and name, its data as bytes.
    """

    pod: Json
    find: Callable[[str, str], Mapping[str, bytes]]

    def field(self, path: str) -> str:
        """Give what a `fieldRef` means; labels and annotations as a whole as lines of `key="value"`."""
        one = re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path)
        if one:
            return str(self.pod["metadata"].get(one[1], {}).get(one[2], ""))
        if path == "status.podIPs":
            return ",".join(entry["ip"] for entry in self.pod["status"]["podIPs"])
        found: Any = self.pod
        for step in path.split("."):
            found = found.get(step, {})
        if isinstance(found, dict):
            return "".join(f'{key}="{_escaped(value)}"\n' for key, value in sorted(found.items()))
        return str(found)


def environment_of(container: Json, facts: Facts) -> dict[str, str]:
    """Give the variables that a container's `env` and `envFrom` name."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        for plural, key in (("configmaps", "configMapRef"), ("secrets", "secretRef")):
            if key in source:
                values = facts.find(plural, source[key]["name"])
                found |= {source.get("prefix", "") + name: value.decode() for name, value in values.items()}
    for variable in container.get("env", ()):
        found[variable["name"]] = _value(variable, facts, found)
    return found


def expanded(words: "list[str]", environment: Mapping[str, str]) -> list[str]:
    """Put variables into a command: `$(NAME)`, and `$$` for a dollar; unknown ones stay."""
    def put(match: "re.Match[str]") -> str:
        return "$" if match[0] == "$$" else environment.get(match[1], match[0])

    return [re.sub(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)", put, word) for word in words]


def _value(variable: Json, facts: Facts, before: Mapping[str, str]) -> str:
    source = variable.get("valueFrom")
    if not source:
        return expanded([variable.get("value", "")], before)[0]
    if "fieldRef" in source:
        return facts.field(source["fieldRef"]["fieldPath"])
    for plural, key in (("configmaps", "configMapKeyRef"), ("secrets", "secretKeyRef")):
        if key in source:
            return facts.find(plural, source[key]["name"])[source[key]["key"]].decode()
    return "0"  # reason: resourceFieldRef; there is no limit here


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

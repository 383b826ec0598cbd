"""
The definitions of meshd's kinds for a cluster that has none of them: `python -m tests.kubernetes.definitions --write` writes
packaging/kubernetes/definitions.yaml; without the option they are printed.

They are minimal: names, versions and scope; of the fields, meshd's own readers are the judge. A cluster that runs Istio, or has the Gateway API
installed, has their own definitions of those kinds, which are better.
"""

import sys

import yaml

from meshd.model.kinds import KINDS, NOT_SERVED
from tests.helpers.source_tree import ROOT

PAGE = ROOT / "packaging" / "kubernetes" / "definitions.yaml"
HEAD = """\
# The kinds of Istio, of the Gateway API and of meshd for a cluster that has none of them: kubectl apply --server-side -f definitions.yaml
# Where Istio or the Gateway API is installed, apply only those of the group meshd.io. Written by `python -m tests.kubernetes.definitions --write`.
"""
OF_KUBERNETES = ("", "discovery.k8s.io", "networking.k8s.io")
PROTECTED = "gateway.networking.k8s.io"  # *.k8s.io: the API server asks who approved such a definition
NEWEST = "v1"  # of kinds that meshd does not read


def current_page() -> str:
    """Give what the file must hold."""
    read = {(group, kind): (found.versions, found.namespaced) for (group, kind), found in KINDS.items() if group not in OF_KUBERNETES}
    unread = {(group, kind): ((NEWEST,), True) for group, kinds in NOT_SERVED.items() for kind in kinds if group not in OF_KUBERNETES}
    definitions = [_definition(group, kind, *found) for (group, kind), found in sorted({**unread, **read}.items())]
    return HEAD + "".join("---\n" + yaml.safe_dump(definition, sort_keys=False) for definition in definitions)


def plural(kind: str) -> str:
    """Give the name of a kind in URLs."""
    name = kind.lower()
    if name.endswith(("s", "sh")):
        return name + "es"
    return name[:-1] + "ies" if name[-1] == "y" and name[-2] not in "aeiou" else name + "s"


def _definition(group: str, kind: str, versions: tuple[str, ...], namespaced: bool) -> object:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"openAPIV3Schema": {**anything, "properties": {"spec": anything, "status": anything}}}
    annotations = {"api-approved.kubernetes.io": "unapproved, names only"} if group == PROTECTED else {}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural(kind)}.{group}", **({"annotations": annotations} if annotations else {})},
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural(kind), "singular": kind.lower()},
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": [
                {"name": version, "served": True, "storage": version == versions[0], "subresources": {"status": {}}, "schema": schema}
                for version in versions
            ],
        },
    }


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(current_page())
    else:
        print(current_page(), end="")

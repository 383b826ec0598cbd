"""EnvoyFilters, which meshd does not serve: what of them would be applied by chance, or not at all, where Istio reads them."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import ADD_IGNORED, RELATIVE_PATCH, RELATIVE_PATCH_OF_VERSION, REMOVE_IGNORED, REPLACE_MISPLACED, Finding, finding
from meshd.model.raw import Raw, items_at, value_at

FILTERS = ("HTTP_FILTER", "NETWORK_FILTER")
UNCHANGEABLE = ("ROUTE_CONFIGURATION", "HTTP_ROUTE")
BESIDE_OTHERS = ("INSERT_BEFORE", "INSERT_AFTER")


def find_wrong_patches(facts: Facts) -> Iterator[Finding]:
    """
    Find patches that hang on what other patches have done before, and operations that do nothing where they stand; each once a resource.

    Source:
        Istio pkg/config/analysis/analyzers/envoyfilter/envoypatch.go.
    """
    for raw in facts.raw("networking.istio.io", "EnvoyFilter"):
        told = set()
        for one in _of_patches(raw):
            if one.message.code not in told:
                told.add(one.message.code)
                yield one


def _of_patches(raw: Raw) -> Iterator[Finding]:
    for path, patch in items_at(raw.body, "spec", "configPatches"):
        operation, to = value_at(patch, "patch", "operation"), patch.get("applyTo")
        where = (*path, "patch", "operation")
        if operation == "ADD" and to in UNCHANGEABLE:
            yield finding(raw.origin, ADD_IGNORED, path=where)
        elif operation == "REMOVE" and to in UNCHANGEABLE:
            yield finding(raw.origin, REMOVE_IGNORED, path=where)
        elif operation == "REPLACE" and to not in FILTERS:
            yield finding(raw.origin, REPLACE_MISPLACED, path=where)
        elif (operation in BESIDE_OTHERS or operation == "REPLACE") and not raw.at("spec", "priority"):
            yield finding(raw.origin, RELATIVE_PATCH, path=where)
            if value_at(patch, "match", "proxy", "proxyVersion"):
                yield finding(raw.origin, RELATIVE_PATCH_OF_VERSION, path=where)

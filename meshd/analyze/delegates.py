"""VirtualServices that delegate, and those that are delegated to."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import REFERENCE_NOT_FOUND, UNUSED_DELEGATE, Finding, finding, quoted
from meshd.compile.visibility import find_visibility


def find_wrong_delegates(facts: Facts) -> Iterator[Finding]:
    """Find delegates that are not there, or not for the root to see, and VirtualServices without hosts that nobody delegates to."""
    exported = facts.mesh.default_virtual_service_export_to
    there = {rules.name: rules.full for rules in facts.virtual_services if rules.full.is_delegate}
    used: set[str] = set()
    for rules in facts.virtual_services:
        namespace = rules.full.metadata.namespace
        for index, rule in enumerate(rules.full.http):
            if rule.delegate is None:
                continue
            name = f"{rule.delegate.namespace}/{rule.delegate.name}"
            used.add(name)
            found = there.get(name)
            if found is None or find_visibility(found.export_to or exported, found.metadata.namespace, namespace) is None:
                path = ("spec", "http", index, "delegate")
                hint = "correct the name, or add a VirtualService without hosts, exported to this namespace"
                yield finding(rules.full.metadata.origin, REFERENCE_NOT_FOUND, "delegate", quoted(name), path=path, hint=hint)
    for name, service in there.items():
        if name not in used:
            yield finding(service.metadata.origin, UNUSED_DELEGATE, path=("spec",))

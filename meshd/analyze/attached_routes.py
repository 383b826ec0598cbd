"""Routes and Gateways of the Kubernetes Gateway API that lead to nothing: parents, backends and grants that are not there."""

from collections.abc import Iterator

from meshd.analyze.facts import Facts
from meshd.analyze.messages import UNMET_REFERENCE, Finding, finding
from meshd.compile.kube_routes import translated_routes
from meshd.model.paths import plain_path


def find_unmet_references(facts: Facts) -> Iterator[Finding]:
    """Find what a machine is told when it compiles them; of Istio's analyzers none looks at these, whose status says it in a cluster."""
    _services, problems = translated_routes(facts.world, facts.mesh)
    for problem in problems:
        yield finding(problem.origin, UNMET_REFERENCE, problem.message, path=plain_path(problem.field), hint=problem.hint)

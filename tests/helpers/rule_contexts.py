"""What outbound listeners and routes are built with, drawn from a World as the compiler draws it."""

from meshd.compile.compiler import build_targets, rule_context
from meshd.compile.http_rules import RuleContext
from meshd.compile.node import Proxy
from meshd.compile.scope import Scope, find_scope
from meshd.compile.services import all_services
from meshd.compile.workloads import Workloads
from meshd.model.world import World


def context_for(world: World, proxy: Proxy) -> tuple[Scope, Workloads, RuleContext]:
    """Give what a machine sees of a World, who is behind its services, and what rules are translated for."""
    workloads = Workloads(world)
    scope = find_scope(all_services(world), world, proxy)
    return scope, workloads, rule_context(scope, build_targets(scope, workloads), proxy)

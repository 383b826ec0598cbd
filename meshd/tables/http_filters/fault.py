"""The fault filter: delays and aborts requests on purpose, as it is told, or as a route says in its place."""

from functools import partial

import attrs

from meshd.snapshot.http_filter import Fault, HttpFilterConfig
from meshd.snapshot.replies import REPLIES, Reply
from meshd.tables.interfaces import Condition, Environment, Exchange, HttpFilter, Step
from meshd.tables.match.header import build_header
from meshd.tables.match.registry import join_conditions


@attrs.frozen(eq=False)
class FaultRules:
    """Faults made ready: for which requests, and the answer of those that are aborted."""

    config: Fault
    condition: Condition | None
    reply: Reply


def build_rules(config: Fault) -> FaultRules:
    """
    Return what is to be done.

    Raises:
        BuildError: If a condition on headers holds a regular expression that RE2 does not take.
    """
    abort = REPLIES["fault_filter_abort"]
    if config.abort_grpc_status is not None:
        reply = attrs.evolve(abort, status=200, grpc_status=str(config.abort_grpc_status))
    else:
        reply = attrs.evolve(abort, status=config.abort_status)
    return FaultRules(config, join_conditions([build_header(match) for match in config.headers]), reply)


def build_fault(config: HttpFilterConfig, environment: Environment) -> HttpFilter:
    """Return the filter; its own settings hold for routes that have none."""
    assert isinstance(config, Fault)
    own, random = build_rules(config), environment.random

    def wrap(proceed: Step) -> Step:
        def abort(exchange: Exchange, rules: FaultRules) -> None:
            share = rules.config.abort_percent
            if share and random() * 100 < share:
                environment.name_cluster(exchange)
                exchange.reply(rules.reply)
            else:
                proceed(exchange)

        def step(exchange: Exchange) -> None:
            route = exchange.route
            rules: FaultRules = own if route is None else route.filters.get(Fault, own)
            if rules.condition is not None and not rules.condition(exchange):
                proceed(exchange)
                return
            share = rules.config.delay_percent
            if rules.config.delay and share and random() * 100 < share:
                environment.name_cluster(exchange)
                exchange.flags = "DI"
                timer = environment.after(rules.config.delay, lambda: exchange.run(partial(abort, rules=rules)))
                exchange.on_cancel = timer.cancel
            else:
                abort(exchange, rules)

        return step

    return HttpFilter("fault", request=wrap)

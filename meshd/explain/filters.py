"""What HTTP filters do with a request, as far as configuration alone decides: faults at 100 percent, answers to preflight requests."""

from collections.abc import Sequence
from typing import Any

import attrs

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.conditions import string_holds, why_not_header
from meshd.snapshot.http_filter import Cors, CorsPolicy, Fault, LocalRateLimit
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.replies import REPLIES, Reply
from meshd.snapshot.route import Route, RouteAction, VirtualHost


def explain_filters(
    manager: HttpConnectionManager, host: VirtualHost | None, route: Route | None, call: Call, path: str, answer: Answer,
) -> Reply | None:
    """
    Return the answer of the first filter that gives one, or None where the request goes on.

    Args:
        manager: Its filters are looked at in order.
        host: The virtual host, if one was found.
        route: The route, if one was found.
        call: The request.
        path: Normalized.
        answer: Gets headers of a filter's answer and of its marks, and the flag of a delay.
    """
    said = [*(route.filters if route is not None else ()), *(host.filters if host is not None and route is not None else ())]
    for config in manager.http_filters:
        reply = None
        if isinstance(config, Fault):
            own = [one for one in said if isinstance(one, Fault)]
            reply = _fault(own[0] if own else config, call, path, answer)
        elif isinstance(config, Cors) and route is not None and isinstance(route.action, RouteAction):
            reply = _cors([one for one in said if isinstance(one, CorsPolicy)], call, answer)
        elif isinstance(config, LocalRateLimit):
            _tell_limit(next((one for one in said if isinstance(one, LocalRateLimit) and one.name == config.name), config), answer)
        if reply is not None:
            return reply
    return None


def _fault(fault: Fault, call: Call, path: str, answer: Answer) -> Reply | None:
    reasons = [reason for reason in (why_not_header(match, call, path) for match in fault.headers) if reason]
    delays, aborts = bool(fault.delay and fault.delay_percent), bool(fault.abort_percent)
    if reasons and (delays or aborts):
        answer.passed("fault", reasons[0])
    if reasons:
        return None
    if delays:
        answer.took("fault", f"{fault.delay_percent:g} percent of requests wait for {fault.delay:g} seconds")
    if delays and fault.delay_percent >= 100:
        answer.response_flags = "DI"
    if not aborts:
        return None
    status = fault.abort_status if fault.abort_grpc_status is None else 200
    told = f"status {status}" if fault.abort_grpc_status is None else f"gRPC status {fault.abort_grpc_status}"
    answer.took("fault", f"{fault.abort_percent:g} percent of requests are answered with {told}")
    return attrs.evolve(REPLIES["fault_filter_abort"], status=status) if fault.abort_percent >= 100 else None


def _tell_limit(limit: LocalRateLimit, answer: Answer) -> None:
    """Tell of a limit; whether there is a token is no matter of configuration."""
    if limit.max_tokens and limit.enabled_percent:
        rate = f"{limit.tokens_per_fill} requests in {limit.fill_interval:g} seconds, {limit.max_tokens} of them at once"
        share = "" if limit.enforced_percent >= 100 else f" to {limit.enforced_percent:g} percent"
        answer.took("local_ratelimit", f"{limit.name} lets pass {rate}; others are answered with status {limit.status}{share}", limit.origins)


def _cors(policies: Sequence[CorsPolicy], call: Call, answer: Answer) -> Reply | None:
    origin = ",".join(value for name, value in call.headers if name == "origin")
    if not policies or not origin or policies[0].enabled_percent < 100:
        return None
    allowed = any(string_holds(match, origin) or (match.kind == "exact" and match.value == "*") for match in _said(policies, "allow_origins", ()))
    answer.took("cors", f"origin {origin} is {'' if allowed else 'not '}allowed")
    asks = call.method == "OPTIONS" and any(value for name, value in call.headers if name == "access-control-request-method")
    if not asks or not (allowed or _said(policies, "forward_not_matching_preflights", None) is False):
        return None
    lines = []
    if allowed:
        lines.append(("access-control-allow-origin", origin))
        if _said(policies, "allow_credentials", None):
            lines.append(("access-control-allow-credentials", "true"))
    for name in ("allow_methods", "allow_headers", "max_age", *(["expose_headers"] if allowed else [])):
        if _said(policies, name, ""):
            lines.append((f"access-control-{name.replace('_', '-')}", _said(policies, name, "")))
    answer.response_headers = tuple(lines)
    return Reply(200, "", "cors_response", changes="never")


def _said(policies: Sequence[CorsPolicy], name: str, usual: Any) -> Any:
    """Return what the first policy says that says anything."""
    found = [value for value in (getattr(policy, name) for policy in policies) if value != usual]
    return found[0] if found else usual

"""From a request to its route: path, virtual host, rule."""

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.explain.conditions import ascii_lower, why_not_route, why_route
from meshd.explain.path_normalization import normalize_path
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.replies import REPLIES, Reply
from meshd.snapshot.route import Route, RouteConfiguration, VirtualHost


def read_path(manager: HttpConnectionManager, call: Call, answer: Answer) -> str | None:
    """Return the normalized path of a request (empty for CONNECT), or None once the answer is known."""
    if call.method == "CONNECT":
        return ""
    if not call.path.startswith("/"):
        answer.passed("path", f"{call.path} does not begin with a slash")
        answer.replied(REPLIES["absolute_path_rejected"])
        return None
    path = normalize_path(call.path, manager.path_normalization)
    escapes = [escape for escape in ("%2F", "%2f", "%5C", "%5c") if escape in call.path.split("#")[0].split("?")[0]]
    if manager.escaped_slashes and escapes:
        answer.passed("path", f"{call.path} holds the escaped slash {escapes[0]} ({manager.escaped_slashes})")
        _refuse_escapes(manager, call, answer)
        return None
    if path is None:
        answer.passed("path", f"{call.path} cannot be normalized: it holds an escaped NUL")
        answer.replied(REPLIES["path_normalization_failed"])
        return None
    if path != call.path:
        answer.took("path", f"{call.path} is normalized to {path} ({manager.path_normalization})")
    return path


def speaks_grpc(call: Call) -> bool:
    """Tell whether a request is gRPC, by its content type."""
    kind = [value for name, value in call.headers if name == "content-type"][:1]
    return any(value == "application/grpc" or value.startswith("application/grpc+") for value in kind)


def _refuse_escapes(manager: HttpConnectionManager, call: Call, answer: Answer) -> None:
    """Answer a request whose path holds escaped slashes where they are not taken: send it to the path with slashes, or refuse it."""
    target = call.path.split("#")[0]
    path, mark, query = target.partition("?")
    for escape, letter in (("%2F", "/"), ("%2f", "/"), ("%5C", "\\"), ("%5c", "\\")):
        path = path.replace(escape, letter)
    place = normalize_path(path + mark + query, manager.path_normalization)
    if manager.escaped_slashes == "REJECT_REQUEST" or place is None or speaks_grpc(call):
        answer.replied(REPLIES["path_normalization_failed"])
        return
    answer.response_headers = (("location", place),)
    answer.replied(Reply(307, "", "path_normalization_failed"))


def find_virtual_host(routes: RouteConfiguration, call: Call, answer: Answer) -> VirtualHost | None:
    """Return the virtual host of a request's authority, or None."""
    host = host_name(call.authority) if routes.ignore_port_in_host_matching else ascii_lower(call.authority)
    best: tuple[int, int] = (0, 0)
    found: VirtualHost | None = None
    for candidate in routes.virtual_hosts:
        for domain in candidate.domains:
            rank = _domain_rank(domain.lower(), host)
            if rank > best:
                best, found = rank, candidate
    if found is None:
        names = ", ".join(candidate.name for candidate in routes.virtual_hosts) or "none at all"
        answer.passed("virtual host", f"no domain covers {host or '(an empty authority)'}; virtual hosts are {names}", routes.origins)
        return None
    how = ("takes what no other does", f"{host} begins like one of its domains", f"{host} ends like one of its domains", f"{host} is its domain")
    answer.took(f"virtual host {found.name}", how[best[0]], found.origins)
    return found


def host_name(authority: str) -> str:
    """Give an authority without port, in lower case; the brackets of IPv6 stay."""
    colon = authority.rfind(":")
    if colon >= 0 and "]" not in authority[colon:]:
        authority = authority[:colon]
    return ascii_lower(authority)


def _domain_rank(domain: str, host: str) -> tuple[int, int]:
    """Rank exact names above `*.suffix` above `prefix.*` above `*`, longer wildcards above shorter; (0, 0) does not cover."""
    if domain == "*":
        return (0, 1)
    if domain.startswith("*"):
        return (2, len(domain)) if len(host) >= len(domain) and host.endswith(domain[1:]) else (0, 0)
    if domain.endswith("*"):
        return (1, len(domain)) if len(host) >= len(domain) and host.startswith(domain[:-1]) else (0, 0)
    return (3, 0) if domain == host and host else (0, 0)


def find_route(host: VirtualHost, call: Call, path: str, answer: Answer) -> Route | None:
    """Return the first route of a virtual host that takes a request, or None."""
    for number, route in enumerate(host.routes, start=1):
        for rule in route.passed_over:
            answer.passed(rule.name, rule.why, rule.origins)
        reason = why_not_route(route.match, call, path)
        step = f"route {number} {route.name}".rstrip()
        if not reason:
            answer.took(step, why_route(route.match), route.origins or host.origins)
            return route
        answer.passed(step, reason, route.origins or host.origins)
    answer.passed("route", f"virtual host {host.name} has no other routes")
    return None

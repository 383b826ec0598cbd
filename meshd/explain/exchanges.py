"""From a request that a chain takes to what becomes of it."""

from collections.abc import Sequence

from meshd.explain.answer import Answer
from meshd.explain.authority import shorten_authority
from meshd.explain.call import Call
from meshd.explain.conditions import ascii_lower, read_header
from meshd.explain.filters import explain_filters
from meshd.explain.header_changes import ONE_LINE_IN_REQUESTS, ONE_LINE_IN_RESPONSES, Lines, change_headers, layers_of
from meshd.explain.limits import tell_of_limits
from meshd.explain.requests import find_route, find_virtual_host, read_path
from meshd.explain.rewriting import redirect_location, rewrite_path
from meshd.explain.upstreams import choose_upstream, names_of_endpoints, tell_of_mirrors
from meshd.snapshot.header_changes import HeaderChanges
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.replies import REPLIES, Reply, cluster_not_found
from meshd.snapshot.route import DirectResponse, Redirect, Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.snapshot.snapshot import Snapshot


def explain_exchange(snapshot: Snapshot, manager: HttpConnectionManager, routes: RouteConfiguration, call: Call, answer: Answer) -> Answer:
    """Return what becomes of a request, with all that was looked at."""
    answer.authority = call.authority
    if call.method == "CONNECT":
        answer.passed("route", "no route takes CONNECT")
        return answer.replied(REPLIES["route_not_found"])
    call = shorten_authority(manager, call, answer)
    answer.authority = call.authority
    path = read_path(manager, call, answer)
    if path is None:
        return answer
    answer.requested_path = path
    answer.route_config = routes.name
    host = find_virtual_host(routes, call, answer)
    if host is None:
        return answer.replied(explain_filters(manager, None, None, call, path, answer) or REPLIES["route_not_found"])
    answer.virtual_host = host.name
    if host.require_tls != "NONE" and _lacks_tls(host, manager, call, answer):
        return answer
    route = find_route(host, call, path, answer)
    if route is None:
        return answer.replied(explain_filters(manager, None, None, call, path, answer) or REPLIES["route_not_found"])
    answer.route = route.name or "-"
    found = _Found(routes, host, route, call, path)
    if _asks_in_vain(manager, call, answer):
        return found.replied(REPLIES["upgrade_failed"], answer)
    reply = explain_filters(manager, host, route, call, path, answer)
    if reply is not None:
        return found.replied(reply, answer)
    if not isinstance(route.action, RouteAction):
        return found.answered(route.action, answer)
    reason = choose_upstream(snapshot, route.action.cluster, route.action.weighted_clusters, call, answer)
    if reason == "cluster_not_found":
        return answer.replied(cluster_not_found(route.action.not_found_status))
    if reason:
        return found.replied(REPLIES[reason], answer)
    tell_of_mirrors(snapshot, route.action.mirrors, answer)
    tell_of_limits(route.action, route.origins or host.origins, answer)
    return found.forwarded(route.action, names_of_endpoints(snapshot, answer), answer)


def _lacks_tls(host: VirtualHost, manager: HttpConnectionManager, call: Call, answer: Answer) -> bool:
    """Tell whether a request has to come again by https; then the answer is known."""
    scheme = read_header("x-forwarded-proto", call, "")[0]
    internal = host.require_tls == "EXTERNAL_ONLY" and ("x-envoy-internal", "true") in call.headers
    if scheme == "https" or (scheme and internal):
        return False
    if not scheme:
        answer.passed(f"virtual host {host.name}", "asks for TLS, and x-forwarded-proto is empty", host.origins)
        answer.replied(REPLIES["route_not_found"])
        return True
    answer.route = "-"
    if _asks_in_vain(manager, call, answer):
        answer.replied(REPLIES["upgrade_failed"])
        return True
    reply = explain_filters(manager, None, None, call, answer.requested_path, answer)
    if reply is not None:
        answer.replied(reply)
        return True
    answer.took(f"virtual host {host.name}", f"asks for TLS ({host.require_tls}): the client is sent to https", host.origins)
    answer.response_headers = (("location", f"https://{call.authority}{answer.requested_path}"),)
    answer.replied(Reply(301, "", "direct_response"))
    return True


def _asks_in_vain(manager: HttpConnectionManager, call: Call, answer: Answer) -> bool:
    """Tell whether a request asks to switch to a protocol that is not allowed."""
    wanted = _upgrade_of(call)
    refused = bool(wanted) and wanted not in manager.upgrades
    if refused:
        answer.passed("upgrade", f"{wanted} is none of {', '.join(manager.upgrades) or 'none at all'}")
    return refused


def _upgrade_of(call: Call) -> str:
    """Return the protocol that a request asks to switch to; h2c is not served that way, the request is an ordinary one then."""
    lines = {name: ",".join(value for key, value in call.headers if key == name) for name in ("connection", "upgrade")}
    words = [word.strip() for word in ascii_lower(lines["connection"]).split(",")]
    wanted = ascii_lower(lines["upgrade"])
    return wanted if "upgrade" in words and wanted != "h2c" else ""


class _Found:
    """A route that takes a request, and what it does to requests and responses."""

    def __init__(self, config: RouteConfiguration, host: VirtualHost, route: Route, call: Call, path: str) -> None:
        self.config, self.host, self.route, self.call, self.path = config, host, route, call, path
        self.lines: Lines = list(call.headers)

    def pseudo(self) -> Lines:
        """Give the pseudo headers, as format strings read them."""
        names = (":method", ":path", ":authority")
        return [(name, value) for name in names for value in read_header(name, self.call, self.path) if value]

    def replied(self, reply: Reply, answer: Answer) -> Answer:
        """Note a reply of meshd's own; the route's changes of headers are made to it, if it forwards."""
        if isinstance(self.route.action, RouteAction) and reply.changes != "never":
            answer.response_headers = self.changed(())
        return answer.replied(reply)

    def changed(self, lines: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """Give the headers of a response as the route leaves them."""
        layers = layers_of("response_headers", self.route, self.host, self.config)
        return tuple(change_headers(layers, list(lines), ONE_LINE_IN_RESPONSES, self.pseudo(), self.lines))

    def answered(self, action: DirectResponse | Redirect, answer: Answer) -> Answer:
        """Note a direct response or a redirect, which is one with a place."""
        redirect = action if isinstance(action, Redirect) else Redirect(action.status)
        match = self.route.match if isinstance(action, Redirect) else RouteMatch()
        own: tuple[tuple[str, str], ...] = ()
        if isinstance(action, Redirect) or action.status == 201 or 300 <= action.status < 400:
            scheme, forwarded = (read_header(name, self.call, "")[0] for name in (":scheme", "x-forwarded-proto"))
            place = redirect_location(redirect, match, scheme, forwarded, self.call.authority, self.path)
            self.path = rewrite_path(match, redirect.prefix_rewrite, redirect.regex_rewrite, self.path)
            own = (("location", place),)
            answer.took("location", f"the client is sent to {place}")
        answer.response_headers = self.changed(own)
        _tell_of_headers("response", (), answer.response_headers, answer)
        return answer.replied(Reply(action.status, "", "direct_response"))

    def forwarded(self, action: RouteAction, names: Sequence[str], answer: Answer) -> Answer:
        """Note what the upstream is sent; changes of one of several clusters are those of the only one that takes requests."""
        known = [one for one in action.weighted_clusters if one.weight > 0] if not action.cluster else []
        only = known[0] if len(known) == 1 else None
        layers = layers_of("request_headers", self.route, self.host, self.config, only)
        lines = change_headers(layers, self.lines, ONE_LINE_IN_REQUESTS, self.pseudo())
        rewritten = " or ".join(names) if action.auto_host_rewrite else (only.host_rewrite if only is not None else "") or action.host_rewrite
        if rewritten:
            lines = _set(lines, "x-envoy-original-host", self.call.authority)
            if action.append_forwarded_host and self.call.authority:
                lines = _with_forwarded_host(lines, self.call.authority)
            answer.authority = rewritten
            how = ", the name of the endpoint" if action.auto_host_rewrite else ""
            answer.took("authority", f"{self.call.authority} is rewritten to {rewritten}{how}")
        path = rewrite_path(self.route.match, action.prefix_rewrite, action.regex_rewrite, self.path)
        if action.prefix_rewrite or action.regex_rewrite is not None:
            lines = _set(lines, "x-envoy-original-path", self.path)
            answer.requested_path = path
            answer.took("path", f"{self.path} is rewritten to {path}")
        answer.request_headers = tuple(lines)
        _tell_of_headers("request", tuple(self.call.headers), answer.request_headers, answer)
        layers = layers_of("response_headers", self.route, self.host, self.config, only)
        _tell_of_responses(layers, change_headers(layers, [], ONE_LINE_IN_RESPONSES, self.pseudo(), self.lines), answer)
        answer.response_code_details = "via_upstream"
        return answer


def _tell_of_headers(kind: str, before: tuple[tuple[str, str], ...], after: tuple[tuple[str, str], ...], answer: Answer) -> None:
    """Note what a route changes in headers."""
    new = "; ".join(f"{name}: {value}" for name, value in after if (name, value) not in before)
    gone = "; ".join(name for name, value in before if (name, value) not in after)
    if new or gone:
        answer.took(f"{kind} headers", "; ".join(filter(None, (new and f"added {new}", gone and f"taken away {gone}"))))


def _tell_of_responses(layers: list[HeaderChanges], added: Lines, answer: Answer) -> None:
    """Note what a route changes in the headers of the upstream's response, which nobody knows yet."""
    gone = dict.fromkeys(name.lower() for layer in layers for name in layer.remove)
    words = [f"added {'; '.join(f'{name}: {value}' for name, value in added)}"] if added else []
    if gone:
        words.append(f"taken away {'; '.join(gone)}")
    if words:
        answer.took("response headers", "; ".join(words))


def _set(lines: Lines, name: str, value: str) -> Lines:
    """Put a value where a header first stands, or at the end."""
    names = [key for key, _ in lines]
    place = names.index(name) if name in names else len(lines)
    return [*lines[:place], (name, value), *(line for line in lines[place:] if line[0] != name)]


def _with_forwarded_host(lines: Lines, authority: str) -> Lines:
    before = ",".join(value for key, value in lines if key == "x-forwarded-host")
    if before.split(",")[-1].strip() == authority:
        return lines
    return _set(lines, "x-forwarded-host", f"{before},{authority}" if before else authority)

"""Route configurations in Envoy's v3 JSON."""

from meshd.snapshot.header_changes_json import header_changes
from meshd.snapshot.json_fields import Json, Message, Row, flag, many, text, texts, word
from meshd.snapshot.match_json import read_match, write_match
from meshd.snapshot.origin_json import write_config
from meshd.snapshot.route import DirectResponse, Redirect, RequireTls, Route, RouteAction, RouteConfiguration, VirtualHost
from meshd.snapshot.route_action_json import DIRECT, REDIRECT, read_action, write_action
from meshd.snapshot.route_filter_json import FILTERS_BY_ROUTE

MAX_DIRECT_RESPONSE_BYTES = 1024 * 1024  # Istio core/route


def _write_choice(action: RouteAction | DirectResponse | Redirect) -> Json:
    if isinstance(action, RouteAction):
        return {"route": write_action(action)}
    if isinstance(action, Redirect):
        return {"redirect": REDIRECT.write(action)}
    return {"directResponse": DIRECT.write(action)}


def _read_choice(found: Json) -> RouteAction | DirectResponse | Redirect:
    if "route" in found:
        return read_action(found["route"])
    if "directResponse" in found:
        return DIRECT.read(found["directResponse"])
    if "redirect" in found:
        return REDIRECT.read(found["redirect"])
    raise ValueError("expected route, directResponse or redirect")


ROUTE = Message(
    Route,
    (
        text("name", "name", default=""),
        Row("match", ("match",), write_match, read_match),
        Row("action", (), _write_choice, _read_choice),
        text("decorator", "decorator", "operation", default=""),
        header_changes("request_headers", "request"),
        header_changes("response_headers", "response"),
        FILTERS_BY_ROUTE,
    ),
    lambda route: write_config(route.origins, "VirtualService"),
)

VIRTUAL_HOST = Message(
    VirtualHost,
    (
        text("name", "name"),
        texts("domains", "domains"),
        many("routes", "routes", message=ROUTE, leaves_out="route"),
        flag("include_request_attempt_count", "includeRequestAttemptCount", default=False),
        flag("attempt_count_in_response", "includeAttemptCountInResponse", default=False),
        word("require_tls", "requireTls", words=RequireTls, default="NONE"),
        header_changes("request_headers", "request"),
        header_changes("response_headers", "response"),
        FILTERS_BY_ROUTE,
    ),
)

ROUTES = Message(
    RouteConfiguration,
    (
        text("name", "name", default=""),
        many("virtual_hosts", "virtualHosts", message=VIRTUAL_HOST, leaves_out="virtual host"),
        flag("ignore_port_in_host_matching", "ignorePortInHostMatching", default=False),
        flag("most_specific_header_changes_win", "mostSpecificHeaderMutationsWins", default=False),
        header_changes("request_headers", "request"),
        header_changes("response_headers", "response"),
    ),
    lambda _routes: {"validateClusters": False, "maxDirectResponseBodySizeBytes": MAX_DIRECT_RESPONSE_BYTES},
)
"""What a listener asks for by name, or holds inline."""

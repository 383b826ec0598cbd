"""Rules of a VirtualService that others delegate to, narrowed to what the delegating rule matches."""

from collections.abc import Iterable, Iterator, Mapping

import attrs

from meshd.model.string_match import StringMatch
from meshd.model.virtual_service import NO_HEADERS, HttpMatch, HttpRoute


def join_routes(root: HttpRoute, routes: Iterable[HttpRoute]) -> Iterator[HttpRoute]:
    """
    Yield a delegate's rules as the root's rule would have them; those that can match nothing of it fall away.

    Source:
        Istio pilot/pkg/model/virtualservice.go, mergeHTTPRoutes: what the delegate says wins, the root's is taken where it says nothing.
    """
    for route in routes:
        matches = _join_all(root.matches, route.matches)
        if matches is None:
            continue
        yield attrs.evolve(
            route,
            name="-".join(filter(None, (root.name, route.name))),
            matches=matches,
            rewrite=route.rewrite or root.rewrite, timeout=root.timeout if route.timeout is None else route.timeout,
            retries=route.retries or root.retries, fault=route.fault or root.fault, mirrors=route.mirrors or root.mirrors,
            cors=route.cors or root.cors, headers=root.headers if route.headers == NO_HEADERS else route.headers,
        )


def _join_all(root: tuple[HttpMatch, ...], own: tuple[HttpMatch, ...]) -> tuple[HttpMatch, ...] | None:
    """Give every pair of a root's and a delegate's match that has requests in common; None where no pair has."""
    if not root:
        return own
    if not own:
        return root
    found = []
    for outer in root:
        for inner in own:
            joined = _join(outer, inner)
            if joined is not None:
                found.append(joined)
    return tuple(found) or None


def _join(outer: HttpMatch, inner: HttpMatch) -> HttpMatch | None:
    if _conflict(outer, inner):
        return None
    return HttpMatch(
        name="-".join(filter(None, (outer.name, inner.name))),
        uri=inner.uri or outer.uri, scheme=inner.scheme or outer.scheme, method=inner.method or outer.method,
        authority=inner.authority or outer.authority, ignore_uri_case=inner.ignore_uri_case or outer.ignore_uri_case,
        headers={**outer.headers, **inner.headers}, without_headers={**outer.without_headers, **inner.without_headers},
        query_parameters={**outer.query_parameters, **inner.query_parameters}, port=inner.port or outer.port,
        source_labels={**outer.source_labels, **inner.source_labels}, source_namespace=inner.source_namespace or outer.source_namespace,
        gateways=inner.gateways or outer.gateways,
    )


def _conflict(outer: HttpMatch, inner: HttpMatch) -> bool:
    """Tell whether a delegate's match lies outside of its root's."""
    pairs = ((outer.uri, inner.uri), (outer.scheme, inner.scheme), (outer.method, inner.method), (outer.authority, inner.authority))
    if any(_outside(one, other) for one, other in pairs):
        return True
    maps = ((outer.headers, inner.headers), (outer.without_headers, inner.without_headers), (outer.query_parameters, inner.query_parameters))
    if any(_maps_conflict(one, other) for one, other in maps):
        return True
    if outer.port and inner.port and outer.port != inner.port:
        return True
    if any(inner.source_labels.get(key, value) != value for key, value in outer.source_labels.items()):
        return True
    if outer.source_namespace and inner.source_namespace and outer.source_namespace != inner.source_namespace:
        return True
    return bool(outer.gateways) and not set(inner.gateways) <= set(outer.gateways)


def _maps_conflict(outer: Mapping[str, StringMatch], inner: Mapping[str, StringMatch]) -> bool:
    return any(_outside(match, inner[name]) for name, match in outer.items() if name in inner)


def _outside(outer: StringMatch | None, inner: StringMatch | None) -> bool:
    """Tell whether what an inner match takes is not within what the outer one takes; expressions are never held against each other."""
    if outer is None or inner is None:
        return False
    if outer.kind == "present":
        return False
    if "regex" in (outer.kind, inner.kind):
        return True
    if outer.kind == "exact":
        return inner.kind != "exact" or inner.value != outer.value
    return inner.kind == "present" or not inner.value.startswith(outer.value)

"""Finds out which of some resources a server serves, and by which version."""

from collections.abc import Iterable

import attrs
from twisted.internet.defer import Deferred

from meshd.kubernetes.answers import ApiError
from meshd.kubernetes.api import Api
from meshd.kubernetes.client import KubernetesClient


def find_served(client: KubernetesClient, apis: Iterable[Api]) -> Deferred[tuple[Api, ...]]:
    """
    Give those of some resources that a server serves, each with the best version that it has of it; the order stays.

    Fails as the client does where the server cannot be asked.
    """
    return Deferred.fromCoroutine(_find_served(client, tuple(apis)))


async def _find_served(client: KubernetesClient, apis: tuple[Api, ...]) -> tuple[Api, ...]:
    known: dict[str, frozenset[str]] = {}
    found = []
    for api in apis:
        for version in (api.version, *api.older):
            candidate = attrs.evolve(api, version=version)
            if candidate.root not in known:
                known[candidate.root] = await _list_plurals(client, candidate.root)
            if api.plural in known[candidate.root]:
                found.append(candidate)
                break
    return tuple(found)


async def _list_plurals(client: KubernetesClient, root: str) -> frozenset[str]:
    """Give what a version of a group serves; nothing where there is no such group or version."""
    try:
        answer = await client.get(root)
    except ApiError as error:
        if error.status != 404:
            raise
        return frozenset()
    resources = answer.get("resources")
    items = resources if isinstance(resources, list) else []
    return frozenset(item["name"] for item in items if isinstance(item, dict) and isinstance(item.get("name"), str))

"""Hosts as Istio's networking API names them: short names completed, wildcards held against each other."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from meshd.base.hostnames import matches

T = TypeVar("T")


def resolve_host(host: str, namespace: str, domain_suffix: str) -> str:
    """
    Complete a short name by the namespace of the resource that it stands in; everything is lower case.

    Source:
        Istio pkg/config/model ResolveShortnameToFQDN: a name without a dot, and without `*`, is a service's of the same namespace.
    """
    host = host.lower().removesuffix(".")
    if "." in host or "*" in host or ":" in host:
        return host
    return f"{host}.{namespace}.svc.{domain_suffix}"


def covers(pattern: str, host: str) -> bool:
    """Tell whether a host, wildcard or not, is covered by a pattern."""
    return matches(pattern, host)


def overlap(one: str, other: str) -> bool:
    """Tell whether two hosts, wildcards or not, have names in common."""
    return covers(one, other) or covers(other, one)


def covering_wildcards(host: str) -> Iterator[str]:
    """Yield the wildcards that cover a host, the longest first; a wildcard covers itself."""
    ending = host.removeprefix("*")
    for place in range(len(ending) + 1):
        yield "*" + ending[place:]


def most_specific(host: str, patterns: Mapping[str, T]) -> T | None:
    """
    Return what stands with the pattern that covers a host best: the same name, else the longest wildcard.

    Source:
        Istio pilot/pkg/model, MostSpecificHostMatch.
    """
    if not patterns:
        return None
    if host in patterns:
        return patterns[host]
    for pattern in covering_wildcards(host):
        found = patterns.get(pattern)
        if found is not None:
            return found
    return None

"""Certificates that resources name, whichever machine it is that serves with them."""

from collections.abc import Iterator

from meshd.base.origins import Origin
from meshd.compile.server_tls import end_tls
from meshd.compile.upstream_tls import secrets_of
from meshd.model.destination_rule import DestinationRule
from meshd.model.gateway import Gateway
from meshd.model.traffic_policy import ClientTls
from meshd.model.world import World
from meshd.snapshot.tls import secrets_named

ENDED = ("SIMPLE", "MUTUAL", "OPTIONAL_MUTUAL")


def named_secrets(world: World) -> Iterator[tuple[str, Origin]]:
    """Yield the names of the secrets that Gateways and DestinationRules ask for, each with who asks; some more than once."""
    for gateway in world.all(Gateway):
        for server in gateway.servers:
            if server.tls is not None and server.tls.mode in ENDED:
                yield from ((name, gateway.metadata.origin) for name in secrets_named(end_tls(server.tls)))
    for rule in world.all(DestinationRule):
        for tls in _policies(rule):
            yield from ((name, rule.metadata.origin) for name in secrets_of(tls))


def _policies(rule: DestinationRule) -> Iterator[ClientTls]:
    for policy in (rule.policy, *(subset.policy for subset in rule.subsets)):
        if policy is not None:
            yield from (tls for tls in (policy.tls, *(port.tls for port in policy.ports.values())) if tls is not None)

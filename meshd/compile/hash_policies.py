"""What routes hash by: the consistent hash of the DestinationRule that their clusters come from."""

from collections.abc import Mapping

from meshd.compile.destination_rules import DestinationRules
from meshd.compile.services import MeshService
from meshd.model.traffic_policy import ConsistentHash, LoadBalancer, TrafficPolicy
from meshd.snapshot.route import HashPolicy


class HashPolicies:
    """Finds what endpoints are picked by, where a DestinationRule has them picked by a hash."""

    def __init__(self, services: Mapping[str, MeshService], rules: DestinationRules) -> None:
        """Take the services that may be led to, by host, and the rules."""
        self._services = services
        self._rules = rules

    def find(self, host: str, port: int, subset: str = "") -> tuple[HashPolicy, ...]:
        """
        Return the policies of a destination, which need not have the port; none where it does not hash.

        Source:
            Istio pilot/pkg/networking/core/route/route.go, getHashPolicy: unlike other settings, a port's own that name no hash do not undo it.
        """
        service = self._services.get(host)
        rule = self._rules.find(service) if service is not None else None
        if rule is None:
            return ()
        own = next((found.policy for found in rule.subsets if found.name == subset), None)
        for policy in (own, rule.policy):
            hashed = _hash_of(policy, port)
            if hashed is not None:
                return (_translate(hashed),)
        return ()


def _hash_of(policy: TrafficPolicy | None, port: int) -> ConsistentHash | None:
    if policy is None:
        return None
    own = policy.ports.get(port)
    return _of_balancer(own.load_balancer if own is not None else None) or _of_balancer(policy.load_balancer)


def _of_balancer(balancer: LoadBalancer | None) -> ConsistentHash | None:
    return balancer.consistent_hash if balancer is not None else None


def _translate(hashed: ConsistentHash) -> HashPolicy:
    if hashed.header:
        return HashPolicy("header", hashed.header)
    if hashed.cookie is not None:
        return HashPolicy("cookie", hashed.cookie.name, cookie_ttl=hashed.cookie.ttl, cookie_path=hashed.cookie.path)
    if hashed.query_parameter:
        return HashPolicy("query_parameter", hashed.query_parameter)
    return HashPolicy("source_ip")

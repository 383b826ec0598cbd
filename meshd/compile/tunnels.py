"""Which connections go through an HTTP proxy: the tunnel of the DestinationRule that their cluster comes from."""

from collections.abc import Mapping

from meshd.base.addresses import format_address
from meshd.compile.destination_rules import DestinationRules
from meshd.compile.services import MeshService
from meshd.snapshot.network_filter import Tunneling


class Tunnels:
    """Finds the tunnels of destinations."""

    def __init__(self, services: Mapping[str, MeshService], rules: DestinationRules) -> None:
        """Take the services that may be led to, by host, and the rules."""
        self._services = services
        self._rules = rules

    def find(self, host: str, subset: str = "") -> Tunneling | None:
        """
        Return the tunnel to the endpoints of a destination; None where they are the ones meant.

        Source:
            Istio pilot/pkg/networking/core/tunnelingconfig: a subset has its own or none.
        """
        service = self._services.get(host)
        rule = self._rules.find(service) if service is not None else None
        if rule is None:
            return None
        policy = next((found.policy for found in rule.subsets if found.name == subset), None) if subset else rule.policy
        tunnel = policy.tunnel if policy is not None else None
        if tunnel is None:
            return None
        return Tunneling(format_address(tunnel.target_host, tunnel.target_port), tunnel.method == "POST")

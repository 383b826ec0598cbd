"""A TCP probe: a workload that takes connections is well."""

from typing import Any

from twisted.internet.protocol import Protocol

from meshd.model.workload_group import Probe
from meshd.registry.probes.target import OneConnection, Target


async def probe_tcp(probe: Probe, target: Target) -> str:
    """
    Connect, and hang up.

    Raises:
        Exception: As connecting does.
    """
    connection: Any = await target.endpoint(probe.host, probe.port).connect(OneConnection.forProtocol(Protocol))
    connection.transport.loseConnection()
    return ""

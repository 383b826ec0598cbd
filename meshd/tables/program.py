"""The Program: a snapshot made runnable, built bit by bit so that the reactor is never held up for long."""

from collections.abc import Generator, Iterator, Mapping

import attrs

from meshd.base.addresses import is_ipv6
from meshd.snapshot.listener import Listener
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.snapshot import Snapshot, chains_of
from meshd.tables.hosts import HostTable, host_slices
from meshd.tables.interfaces import BuildError, Environment
from meshd.tables.listener import ListenerTable, build_listener, routes_needed

ANY_IPV4 = "0.0.0.0"
ANY_IPV6 = "::"

__all__ = ["BuildError", "Environment", "Program", "build_program", "program_slices"]


@attrs.frozen(eq=False, repr=False)
class Program:
    """
    A snapshot made runnable.

    Attributes:
        snapshot: What it was made from.
        environment: What it was built with.
        bound: Listeners that are bound to their addresses, by name.
        listeners: All listeners by name.
        hosts: Route configurations by name.
        by_address: Listeners that connections can be handed to, by canonical address and port.
    """

    snapshot: Snapshot
    environment: Environment
    bound: Mapping[str, ListenerTable]
    listeners: Mapping[str, ListenerTable]
    hosts: Mapping[str, HostTable]
    by_address: Mapping[tuple[str, int], ListenerTable]

    def hand_over(self, address: str, port: int) -> ListenerTable | None:
        """Return the listener of an original destination (canonical text): that of address and port, else the wildcard one of the port."""
        found = self.by_address.get((address, port))
        if found is None:
            found = self.by_address.get((ANY_IPV6 if is_ipv6(address) else ANY_IPV4, port))
        return found


def build_program(snapshot: Snapshot, environment: Environment, previous: Program | None = None) -> Program:
    """
    Make a snapshot runnable at once.

    Args:
        snapshot: Free of inconsistencies.
        environment: What tables may use of the worker.
        previous: The last Program: what has not changed is taken over from it, if it has the same environment.

    Raises:
        BuildError: If parts of it cannot be built; every fault is named.
    """
    program = None
    for program in program_slices(snapshot, environment, previous):  # noqa: B007 reason: the last one counts
        pass
    assert program is not None
    return program


def program_slices(snapshot: Snapshot, environment: Environment, previous: Program | None = None) -> Iterator[Program | None]:
    """
    Make a snapshot runnable bit by bit: as `build_program`, but yields None after each rule, virtual host and listener, and the Program last.

    The caller takes as many bits as fit in its time, then lets its reactor run.

    Raises:
        BuildError: From the last bits, if parts of it cannot be built; every fault is named.
    """
    if previous is not None and previous.environment is not environment:
        previous = None
    hosts = yield from _host_tables(snapshot, environment, previous)
    listeners = yield from _listener_tables(snapshot, hosts, environment, previous)
    bound = {name: table for name, table in listeners.items() if table.config.bind_to_port}
    yield Program(snapshot, environment, bound, listeners, hosts, _by_address(listeners))


def _host_tables(snapshot: Snapshot, environment: Environment, previous: Program | None) -> Generator[None, None, dict[str, HostTable]]:
    tables: dict[str, HostTable] = {}
    reasons: list[str] = []
    for name, config in snapshot.routes.items():
        before = previous.hosts.get(name) if previous is not None else None
        try:
            tables[name] = before if before is not None and before.config is config else (yield from host_slices(config, environment, before))
        except BuildError as error:
            reasons.extend(error.reasons)
    if reasons:
        raise BuildError(tuple(reasons))
    return tables


def _listener_tables(
    snapshot: Snapshot, hosts: Mapping[str, HostTable], environment: Environment, previous: Program | None,
) -> Generator[None, None, dict[str, ListenerTable]]:
    tables: dict[str, ListenerTable] = {}
    reasons: list[str] = []
    for name, listener in snapshot.listeners.items():
        before = previous.listeners.get(name) if previous is not None else None
        try:
            if before is not None and previous is not None and _same(before.config, listener) and _same_hosts(listener, hosts, previous.hosts):
                tables[name] = before
            else:
                inline = yield from _inline_tables(listener, environment, before)
                tables[name] = build_listener(listener, hosts, inline, environment)
        except BuildError as error:
            reasons.extend(f"listener {name}: {reason}" for reason in error.reasons)
        yield
    if reasons:
        raise BuildError(tuple(reasons))
    return tables


def _same(before: Listener, after: Listener) -> bool:
    return before is after or before == after


def _same_hosts(listener: Listener, hosts: Mapping[str, HostTable], before: Mapping[str, HostTable]) -> bool:
    return all(hosts.get(name) is before.get(name) for name in routes_needed(listener))


def _inline_tables(listener: Listener, environment: Environment, before: ListenerTable | None) -> Generator[None, None, dict[int, HostTable]]:
    known = {table.config.name: table for table in before.inline.values()} if before is not None else {}
    tables: dict[int, HostTable] = {}
    for place, chain in enumerate(chains_of(listener)):
        if isinstance(chain.filter, HttpConnectionManager) and chain.filter.route_config is not None:
            config = chain.filter.route_config
            tables[place] = yield from host_slices(config, environment, known.get(config.name))
    return tables


def _by_address(listeners: Mapping[str, ListenerTable]) -> dict[tuple[str, int], ListenerTable]:
    found: dict[tuple[str, int], ListenerTable] = {}
    for table in listeners.values():
        if table.use_original_dst:
            continue
        for place in table.places:
            found.setdefault(place, table)
    return found

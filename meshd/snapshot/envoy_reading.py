"""A snapshot read from a file of Envoy's: a static bootstrap, or lists of resources as Istio computes and `meshctl compile` prints them."""

from typing import Any

import attrs

from meshd.base.addresses import SocketAddress
from meshd.base.errors import Problem
from meshd.snapshot.assignment_json import ASSIGNMENT
from meshd.snapshot.cluster import NAMED, Cluster
from meshd.snapshot.cluster_json import read_cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment
from meshd.snapshot.filter_chain import needs_identity
from meshd.snapshot.json_fields import check_unasked, read_list, read_text
from meshd.snapshot.listener import Listener
from meshd.snapshot.listener_json import ADDRESS, read_listener
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.noted_json import FieldError, Noted, Report, note, settle, shown
from meshd.snapshot.route import RouteConfiguration
from meshd.snapshot.route_json import ROUTES
from meshd.snapshot.snapshot import NodeReference, Snapshot, chains_of
from meshd.snapshot.vocabulary import LATER_TLS

_LISTS = ("listeners", "routes", "clusters", "endpoints")


@attrs.frozen
class ReadFile:
    """
    What a file says.

    Attributes:
        snapshot: What can be served of it; None: nothing can.
        problems: What is wrong with the file, or not known of it.
        admin: Where a bootstrap has its admin pages.
    """

    snapshot: Snapshot | None
    problems: tuple[Problem, ...] = ()
    admin: SocketAddress | None = None


def read_envoy(content: object, file: str) -> ReadFile:
    """
    Read a file of Envoy's; whatever is wrong with it is a Problem.

    What the reader cannot take is left out: the listener, route, cluster or endpoint that it stands in, or the field alone where the rest says
    the same without it.

    Args:
        content: What its JSON or YAML holds.
        file: Its name, for messages.
    """
    report = Report(file)
    if not isinstance(content, dict):
        report.note("", f"expected Envoy's bootstrap, found {shown(content)}", severity="error")
        return ReadFile(None, tuple(report.problems))
    noted = note(content, "", report)
    is_bootstrap = "staticResources" in noted or not any(name in noted for name in _LISTS)
    reader = _Reader(report)
    try:
        snapshot, admin = reader.read_bootstrap(noted) if is_bootstrap else (reader.read_lists(noted), None)
    except FieldError as reason:
        report.note(reason.field, reason.said, severity="error")
        return ReadFile(None, tuple(report.problems))
    wrong = snapshot.inconsistencies()
    for text in wrong:
        report.note("", text, severity="error")
    return ReadFile(None if wrong else snapshot, tuple(report.problems), admin)


@attrs.define(eq=False)
class _Reader:
    """Puts the resources of one file together."""

    report: Report
    routes: dict[str, RouteConfiguration] = attrs.field(factory=dict)
    endpoints: dict[str, ClusterLoadAssignment] = attrs.field(factory=dict)
    clusters: dict[str, Cluster] = attrs.field(factory=dict)
    listeners: dict[str, Listener] = attrs.field(factory=dict)

    def read_bootstrap(self, found: Noted) -> tuple[Snapshot, SocketAddress | None]:
        """Read a bootstrap."""
        admin = _read_admin(found.get("admin"))
        node = _read_node(found.get("node"))
        resources = found.get("staticResources")
        if not isinstance(resources, Noted):
            raise FieldError("staticResources", "expected listeners and clusters, found none; what a control plane brings is not in a file")
        self._read_resources(resources)
        for name in ("listeners", "clusters", "secrets"):
            resources.get(name)
        check_unasked(found, "Bootstrap")
        return self._snapshot(node), admin

    def read_lists(self, found: Noted) -> Snapshot:
        """Read lists of resources."""
        self._read_resources(found)
        node = found.get("node")
        reference = NodeReference("")
        if isinstance(node, Noted):
            addresses = tuple(map(read_text, read_list(node.get("addresses", []))))
            reference = NodeReference(read_text(node.get("name", "")), read_text(node.get("namespace", "default")), addresses)
        check_unasked(found, "Lists")
        return self._snapshot(reference)

    def _read_resources(self, found: Noted) -> None:
        for item in self._items(found, "routes"):
            self._take(item, "route configuration", self._take_routes)
        for item in self._items(found, "endpoints"):
            self._take(item, "list of endpoints", self._take_endpoints)
        for item in self._items(found, "clusters"):
            self._take(item, "cluster", self._take_cluster)
        for item in self._items(found, "listeners"):
            self._take(item, "listener", self._take_listener)

    def _items(self, found: Noted, name: str) -> list[Any]:
        items = found.get(name, [])
        try:
            return read_list(items)
        except ValueError as reason:
            raise FieldError(found.place_of((name,)), str(reason)) from None

    def _take(self, item: Any, what: str, take: Any) -> None:
        """Read one resource; one that cannot be read is told of, and left out."""
        try:
            if not isinstance(item, Noted):
                raise FieldError("", f"expected a {what}, found {shown(item)}")
            take(item)
        except FieldError as reason:
            place = item.place if isinstance(item, Noted) else ""
            name = item.get("name", "") if isinstance(item, Noted) else ""
            settle(item)
            said = f"this {what} is left out"
            self.report.note(reason.field or place, reason.said, f"{said} ({name})" if isinstance(name, str) and name else said, "error")

    def _take_routes(self, item: Noted) -> None:
        routes = ROUTES.read(item)
        _add(self.routes, routes.name, routes, item)

    def _take_endpoints(self, item: Noted) -> None:
        endpoints = ASSIGNMENT.read(item)
        _add(self.endpoints, endpoints.cluster_name, endpoints, item)

    def _take_cluster(self, item: Noted) -> None:
        cluster, inline = read_cluster(item)
        if cluster.name in self.clusters:
            raise FieldError(item.place, f"expected each cluster once, found {cluster.name} twice")
        if cluster.type == "EDS" and cluster.service_name not in self.endpoints:
            self.report.note(item.place, f"expected endpoints called {cluster.service_name}, found none", "it has no endpoints")
            self.endpoints[cluster.service_name] = ClusterLoadAssignment(cluster.service_name)
        if inline is not None and cluster.type in ("STATIC", *NAMED):
            self.endpoints[cluster.name] = attrs.evolve(inline, cluster_name=cluster.name)
        self.clusters[cluster.name] = cluster

    def _take_listener(self, item: Noted) -> None:
        listener = read_listener(item)
        if not listener.filter_chains and listener.default_filter_chain is None:
            raise FieldError(item.place, "expected filterChains or defaultFilterChain, found none")
        for chain in chains_of(listener):
            manager = chain.filter
            if isinstance(manager, HttpConnectionManager) and manager.route_config is None and manager.route_config_name not in self.routes:
                raise FieldError(item.place, f"expected a route configuration {manager.route_config_name!r}, found none of that name")
        if any(needs_identity(chain) for chain in chains_of(listener)):
            self.report.note(item.place, f"expected filter chains with certificates in files: {LATER_TLS}", "those without close their connections")
        _add(self.listeners, listener.name, listener, item)

    def _snapshot(self, node: NodeReference) -> Snapshot:
        return Snapshot(node, self.listeners, self.routes, self.clusters, self.endpoints)


def _add(found: dict[str, Any], name: str, value: object, item: Noted) -> None:
    if name in found and found[name] != value:
        raise FieldError(item.place, f"expected each name once, found {name!r} twice")
    found[name] = value


def _read_node(found: Any) -> NodeReference:
    """Read who the file is for: `sidecar~ADDRESS~NAME.NAMESPACE`, as Istio and meshd write it; anything else is a name."""
    if not isinstance(found, Noted):
        return NodeReference("")
    parts = str(found.get("id", "")).split("~")
    if len(parts) < 3:
        return NodeReference(parts[0])
    name, dot, namespace = parts[2].rpartition(".")
    return NodeReference(name if dot else namespace, namespace if dot else "default", (parts[1],) if parts[1] else ())


def _read_admin(found: Any) -> SocketAddress | None:
    if not isinstance(found, Noted):
        return None
    address = found.get("address")
    place = None if address is None else ADDRESS.read(address)
    check_unasked(found, "Admin")
    return place

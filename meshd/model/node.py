"""`kind: Node`: who a machine is, and how meshd runs on it."""

from collections.abc import Mapping
from typing import Literal, get_args

import attrs

from meshd.base.addresses import is_ipv6
from meshd.base.locality import Locality
from meshd.model.metadata import Metadata
from meshd.model.registry_settings import NO_REGISTRY, RegistrySettings

BackendName = Literal["auto", "nftables", "iptables-nft", "iptables-legacy"]
BACKEND_NAMES: tuple[BackendName, ...] = get_args(BackendName)
SourceName = Literal["directory", "kubernetes"]
SOURCE_NAMES: tuple[SourceName, ...] = get_args(SourceName)
AppliedBy = Literal["daemon", "init"]
APPLIED_BY: tuple[AppliedBy, ...] = get_args(AppliedBy)


@attrs.frozen
class CaptureSettings:
    """
    What the kernel diverts to meshd; ranges are CIDR, ports numbers or `first-last`.

    Attributes:
        enabled: Apply rules at start.
        backend: `nftables`, `iptables-nft`, `iptables-legacy`, or `auto` (nftables, else the iptables that works).
        keep_on_stop: Leave the rules when the daemon stops.
        inbound / outbound: Directions.
        include_inbound_ports: Only these; empty means all.
        exclude_inbound_ports: Never these; 22 unless set, and always meshd's own 15020, 15021, 15090.
        include_outbound_ports / exclude_outbound_ports: The same for connections from here.
        include_outbound_cidrs: Only to these; empty means all.
        exclude_outbound_cidrs: Never to these; 169.254.169.254/32 unless set.
        exclude_uids / exclude_gids: Whose connections are left alone, besides meshd's own; numbers or names.
        include_uids / include_gids: Only whose connections are captured; empty means everybody's.
        exclude_interfaces: Interfaces left alone in both directions.
        applied_by: `daemon`, which then needs root; or `init`: `meshctl capture apply` ran before it and the rules are not the daemon's to touch,
            as in a pod, whose init container has the rights that nothing else there needs.
    """

    enabled: bool = True
    backend: BackendName = "auto"
    keep_on_stop: bool = False
    inbound: bool = True
    outbound: bool = True
    include_inbound_ports: tuple[str, ...] = ()
    exclude_inbound_ports: tuple[str, ...] = ("22",)
    include_outbound_ports: tuple[str, ...] = ()
    exclude_outbound_ports: tuple[str, ...] = ()
    include_outbound_cidrs: tuple[str, ...] = ()
    exclude_outbound_cidrs: tuple[str, ...] = ("169.254.169.254/32",)
    exclude_uids: tuple[str, ...] = ()
    exclude_gids: tuple[str, ...] = ()
    include_uids: tuple[str, ...] = ()
    include_gids: tuple[str, ...] = ()
    exclude_interfaces: tuple[str, ...] = ()
    applied_by: AppliedBy = "daemon"


@attrs.frozen
class Ports:
    """meshd's own ports."""

    outbound: int = 15001
    inbound: int = 15006
    admin: int = 15000
    health: int = 15021
    dns: int = 15053
    prometheus: int = 15090


@attrs.frozen
class DnsSettings:
    """
    Whether and how names are resolved.

    Attributes:
        enabled: Workers answer for the mesh's names, and the kernel diverts questions to them; None: as ProxyConfigs and the mesh say.
        servers: IP addresses of the name servers that the rest is asked of, and whose questions are diverted; empty: those of /etc/resolv.conf.
        mesh_only: Nothing is diverted and all other questions are refused: a resolver of the machine's own is told which to ask (`meshctl dns`).
    """

    enabled: bool | None = None
    servers: tuple[str, ...] = ()
    mesh_only: bool = False


@attrs.frozen
class Debounce:
    """
    How changes gather before they are compiled.

    Attributes:
        quiet: Seconds without a change; one editor's save or one `cp` of many files is over by then.
        bound: Seconds after the first change; a busy source must not keep changes back for longer.
    """

    quiet: float = 0.010
    bound: float = 0.200


@attrs.frozen
class KubernetesSettings:
    """
    How the API server is reached, and what is read of it.

    Attributes:
        kubeconfig: Path of the file; empty: $KUBECONFIG, else the pod's service account, else ~/.kube/config.
        context: Of the file; empty: its current one.
        namespaces: What is read; empty: all of them.
    """

    kubeconfig: str = ""
    context: str = ""
    namespaces: tuple[str, ...] = ()


@attrs.frozen
class Node:
    """
    One machine.

    Attributes:
        metadata: Identity; labels of the workload stand in `labels`.
        namespace: The workload's namespace.
        service_account: Its service account.
        labels: Its labels, as policies and subsets select by.
        addresses: Its addresses, the first is the primary one; empty: those of its interfaces.
        locality: Where it stands.
        network: Its network's name.
        gateway: An edge proxy: real ports, no capture.
        source: Where the configuration comes from: `directory` (default), `kubernetes`, or both. Who a machine is stands in its directory always.
        workers: Data-plane processes; 0 means one per usable core.
        user: uid or name that workers run as; empty: `meshd`, and 1337 without such a user.
        ports: meshd's own ports.
        debounce: How changes gather.
        kernel_forwarding: `auto`: the kernel forwards TCP connections that exchange small messages, where it is able to; `off`: workers do.
        admin_address: Where the read-only admin pages are bound; empty switches them off.
        capture: What the kernel diverts.
        dns: Whether names are resolved.
        registry: Where it registers its workload, and whether it takes others in.
        kubernetes: How the API server is reached, and what is read of it.
    """

    metadata: Metadata
    namespace: str = "default"
    service_account: str = "default"
    labels: Mapping[str, str] = attrs.field(factory=dict)
    addresses: tuple[str, ...] = ()
    locality: Locality = attrs.field(factory=Locality)
    network: str = ""
    gateway: bool = False
    source: tuple[SourceName, ...] = ("directory",)
    workers: int = 0
    user: str = ""
    ports: Ports = Ports()
    debounce: Debounce = Debounce()
    kernel_forwarding: Literal["auto", "off"] = "auto"
    admin_address: str = "127.0.0.1"
    capture: CaptureSettings = CaptureSettings()
    dns: DnsSettings = DnsSettings()
    registry: RegistrySettings = NO_REGISTRY
    kubernetes: KubernetesSettings = KubernetesSettings()

    @property
    def ipv6(self) -> bool:
        """Whether it has addresses of IPv6, and so listens on it."""
        return any(is_ipv6(address) for address in self.addresses)

    @property
    def ipv4(self) -> bool:
        """The same of IPv4; a machine without known addresses counts as IPv4."""
        return not self.ipv6 or any(not is_ipv6(address) for address in self.addresses)

"""What tells a machine's own resolver to ask meshd for the mesh's names: a file for each kind of resolver, from the names that there are; pure."""

import re
from collections.abc import Callable, Iterable, Mapping

import attrs

HEADER = "# Written by `meshctl dns install`, removed by `meshctl dns remove`.\n"
_DOMAIN = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")  # reason: names of our own configuration, linear


@attrs.frozen
class Domains:
    """
    Whose names meshd knows.

    Attributes:
        own: Domain of this machine's namespace, with which programs leave out the rest of a name.
        all: Domains whose names are asked of meshd, none of them below another.
    """

    own: str
    all: tuple[str, ...]


def domains_of(names: Iterable[str], own: str, suffix: str) -> Domains:
    """
    Give the domains of hosts.

    Args:
        names: Full names of hosts; `*.example.com` stands for all below it.
        own: Domain of this machine's namespace.
        suffix: Domain of all services.
    """
    found = {suffix, *(name.removeprefix("*.").rstrip(".").lower() for name in names)}
    wanted = sorted(name for name in found if _DOMAIN.fullmatch(name) and not any(parent in found for parent in _parents(name)))
    return Domains(own, tuple(wanted))


def _parents(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[count:]) for count in range(1, len(labels))]


def resolved_text(domains: Domains, address: str, port: int) -> str:
    """
    Give a drop-in for systemd-resolved.

    Source:
        resolved.conf(5): a domain with `~` is one whose names are asked of these servers; one without completes names of one label, too.
    """
    routed = " ".join(f"~{domain}" for domain in domains.all)
    return f"{HEADER}[Resolve]\nDNS={_bracketed(address)}:{port}\nDomains={domains.own} {routed}\n"


def dnsmasq_text(domains: Domains, address: str, port: int) -> str:
    """
    Give a drop-in for dnsmasq.

    Source:
        dnsmasq(8), --server: `//` stands for names of one label.
    """
    lines = [f"server=/{domain}/{address}#{port}\n" for domain in ("", *domains.all)]
    return HEADER + "".join(lines)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@attrs.frozen
class Resolver:
    """
    A kind of resolver.

    Attributes:
        path: Our drop-in.
        text: Gives its content, from domains and from where meshd answers.
        restart: Command after which the resolver knows it.
    """

    path: str
    text: Callable[[Domains, str, int], str]
    restart: str


RESOLVERS: Mapping[str, Resolver] = {
    "resolved": Resolver("/etc/systemd/resolved.conf.d/meshd.conf", resolved_text, "systemctl restart systemd-resolved"),
    "dnsmasq": Resolver("/etc/dnsmasq.d/meshd.conf", dnsmasq_text, "systemctl restart dnsmasq"),
}

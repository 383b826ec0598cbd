"""Names that this machine resolves, with what they resolve to: Istio's name table (NDS)."""

import attrs

from meshd.base.origins import Origin


@attrs.frozen
class HostPort:
    """A port of a host that has a name: what SRV records tell of; `protocol` is `tcp` or `udp`."""

    name: str
    protocol: str
    number: int


@attrs.frozen
class HostAddresses:
    """
    What is known of one host.

    Attributes:
        name: Full name in lower case without a dot at its end; may begin with `*.`.
        addresses: IP addresses; of both families, in order.
        aliases: Other names of it, most of them shorter.
        ports: Those with names.
        internal: It belongs to the mesh alone, so that nobody else has records of it; others are asked for what is not known of the rest.
        origins: The resources it was compiled from.
    """

    name: str
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    ports: tuple[HostPort, ...] = ()
    internal: bool = False
    origins: tuple[Origin, ...] = ()

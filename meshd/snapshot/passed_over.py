"""Rules that are not for a machine, or not for a listener of it: nothing is done with them, but `explain` says so."""

import attrs

from meshd.base.origins import Origin


@attrs.frozen
class PassedOver:
    """
    One rule, or one of its matches, that stands before what is done.

    Attributes:
        name: Its number, and its name where it has one.
        why: What it asks for that this machine or listener is not.
        origins: Where it is written.
    """

    name: str
    why: str
    origins: tuple[Origin, ...] = ()

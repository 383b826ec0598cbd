"""Where a workload stands: region, zone and sub-zone."""

import attrs


@attrs.frozen
class Locality:
    """A place; empty parts are unknown."""

    region: str = ""
    zone: str = ""
    subzone: str = ""

    def __str__(self) -> str:
        """Give `region/zone/subzone` without trailing empty parts."""
        return "/".join((self.region, self.zone, self.subzone)).rstrip("/")


def parse_locality(text: str) -> Locality:
    """
    Read `region/zone/subzone`; later parts may be missing.

    Raises:
        ValueError: If there are more than three parts.
    """
    parts = text.split("/")
    if len(parts) > 3:
        raise ValueError(f"expected region/zone/subzone, got {text!r}")
    return Locality(*parts)

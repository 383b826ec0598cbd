"""Envoy's FractionalPercent: a part of all requests."""

from meshd.snapshot.json_fields import Json, read_int

SCALES = {"HUNDRED": 100, "TEN_THOUSAND": 10_000, "MILLION": 1_000_000}
"""What a numerator counts parts of, by denominator."""


def write_percent(percent: float) -> Json:
    """Give a percentage as a fraction; whole ones of a hundred, others of a million, as Istio writes them."""
    if percent == int(percent):
        return {"numerator": int(percent)}
    return {"numerator": round(percent * 10_000), "denominator": "MILLION"}


def read_percent(found: Json) -> float:
    """
    Read a fraction as a percentage.

    Raises:
        ValueError: If its denominator is not one of Envoy's.
    """
    denominator = found.get("denominator", "HUNDRED")
    if denominator not in SCALES:
        raise ValueError(f"expected one of {', '.join(SCALES)}, found {denominator!r}")
    return min(100.0, 100.0 * read_int(found.get("numerator", 0)) / SCALES[denominator])

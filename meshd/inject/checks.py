"""What texts of annotations must look like: each check gives what was expected, or an empty text when all is well."""

import re
from fractions import Fraction

from meshd.model.checks import cidr, interface
from meshd.model.reading import Check

MAX_QUANTITY = 40  # characters; the longest sensible one has a dozen
MAX_CONCURRENCY = 256  # workers; as a Node's

# reason: annotations are bounded by the reader of the review or file, and the patterns are linear
_QUANTITY = re.compile(r"\+?(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d{1,2})?\Z", re.ASCII)
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,1023}\Z", re.ASCII)
_SUFFIXES = {"n": "1e-9", "u": "1e-6", "m": "1e-3", "": "1", "k": "1e3", "M": "1e6", "G": "1e9", "T": "1e12", "P": "1e15", "E": "1e18"}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def quantity(text: str) -> str:
    """Check an amount of processor or memory as Kubernetes writes it, such as `100m` or `128Mi`."""
    return "" if len(text) <= MAX_QUANTITY and _QUANTITY.match(text) else "an amount such as 100m or 128Mi"


def amount(text: str) -> Fraction:
    """
    Give an amount that passed `quantity` as a number.

    Source:
        Kubernetes apimachinery/pkg/api/resource/quantity.go.
    """
    match = _QUANTITY.match(text)
    assert match is not None  # reason: `quantity` was asked before
    digits, suffix = str(match.group(1)), str(match.group(2) or "")
    if suffix in _BINARY:
        return Fraction(digits) * Fraction(2 ** _BINARY[suffix])
    return Fraction(digits) * Fraction(_SUFFIXES.get(suffix, f"1{suffix}"))


def image(text: str) -> str:
    """Check the name of a container image."""
    return "" if _IMAGE.match(text) else "the name of an image such as registry.example.com/meshd:1.0"


def boolean(text: str) -> str:
    """Check a boolean as text."""
    return "" if text in ("true", "false") else "true or false"


def count(low: int, high: int) -> Check:
    """Give the check of a whole number as text."""

    def check(text: str) -> str:
        good = text.isascii() and text.isdigit() and len(text) <= 10 and low <= int(text) <= high
        return "" if good else f"a number from {low} to {high}"

    return check


def port(text: str) -> str:
    """Check one port."""
    return count(1, 65535)(text) and "ports from 1 to 65535"


def address_range(text: str) -> str:
    """Check an address range."""
    return cidr(text) and "address ranges such as 10.0.0.0/8"


def interface_name(text: str) -> str:
    """Check an interface's name."""
    return interface(text) and "interfaces' names of at most 15 characters"


def listing(check: Check, *, star: bool = False) -> Check:
    """Give the check of items with commas between them, or of nothing; with `star`, `*` stands for all."""

    def check_all(text: str) -> str:
        if star and text.strip() == "*":
            return ""
        wrong = next((said for item in items(text) if (said := check(item))), "")
        return f"{'* or ' if star else ''}{wrong}, with commas between them" if wrong else ""

    return check_all


def items(text: str) -> list[str]:
    """Give the items of a list with commas; of an empty text, none."""
    return [item.strip() for item in text.split(",")] if text.strip() else []

"""Labels and the selectors that choose by them."""

from collections.abc import Mapping


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Tell whether every label of a selector stands among the labels with the same value; an empty selector selects all."""
    return all(labels.get(key) == value for key, value in selector.items())

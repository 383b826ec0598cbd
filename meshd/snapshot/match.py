"""Matchers of strings, headers and query parameters, in the words of Envoy's v3 API."""

from typing import Literal

import attrs


@attrs.frozen
class StringMatch:
    """
    One condition on a string.

    Attributes:
        kind: How `value` is held against the string; `regex` is RE2 and matches the whole.
        value: What is looked for.
        ignore_case: ASCII letters compare equal in either case; not for `regex`.
    """

    kind: Literal["exact", "prefix", "suffix", "contains", "regex"]
    value: str
    ignore_case: bool = False


@attrs.frozen
class HeaderMatch:
    """
    One condition on a header.

    Attributes:
        name: Lower case; `:method`, `:authority`, `:scheme` and `:path` are headers too.
        value: Condition on the value (of a repeated header, one line that meets it is enough); None asks for presence only.
        invert: The condition must not hold; a missing header does not match an inverted condition unless `treat_missing_as_empty`.
        treat_missing_as_empty: A missing header counts as an empty value.
        present: With `value` None: whether the header must be there.
    """

    name: str
    value: StringMatch | None = None
    invert: bool = False
    treat_missing_as_empty: bool = False
    present: bool = True


@attrs.frozen
class QueryMatch:
    """One condition on a query parameter; `value` None asks for presence."""

    name: str
    value: StringMatch | None = None

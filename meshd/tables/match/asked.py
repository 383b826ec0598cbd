"""What a route asks of a request, told so that routes which a request cannot meet need not be tried."""

import attrs

from meshd.snapshot.match import StringMatch
from meshd.tables.interfaces import Condition, ReadValues
from meshd.tables.match.regex import exact_text


@attrs.frozen(eq=False)
class Asked:
    """
    One thing that a route asks of a request.

    Attributes:
        holds: Whether an exchange meets it.
        slow: Asking costs more than comparing texts.
        subject: What is looked at; the same for all that look at the same thing.
        read: Gives the values of the subject.
        exact: It is met exactly where this is one of the values; None where that cannot be said.
        pattern: It is met exactly where one of the values matches this regular expression; None where that cannot be said.
    """

    holds: Condition
    slow: bool
    subject: str
    read: ReadValues
    exact: bytes | None = None
    pattern: str | None = None


def wanted_by(match: StringMatch) -> tuple[bytes | None, str | None]:
    """Return the one text that a match wants, or else the regular expression that it wants matched."""
    if match.kind == "regex":
        exact = exact_text(match.value)
        return exact, None if exact is not None else match.value
    return match.value.encode() if match.kind == "exact" and not match.ignore_case else None, None

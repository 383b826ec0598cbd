"""Regular expressions: RE2, as in Envoy, so that no text from outside can make one slow."""

import re2

from meshd.tables.interfaces import BuildError, Test


def build_regex(pattern: str) -> Test:
    """
    Return a test that holds when an expression matches a whole text.

    The text is taken as UTF-8; bytes that are none match nothing, not even `.`.

    Raises:
        BuildError: If the expression is no RE2.
    """
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    try:
        full_match = re2.compile(pattern, options).fullmatch
    except re2.error as error:
        detail = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise BuildError((f"regex {pattern!r}: {detail}",)) from None

    def test(text: bytes) -> bool:
        return full_match(text) is not None

    return test

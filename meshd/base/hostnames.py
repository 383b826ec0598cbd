"""Host names: checking them, and Istio's algebra of wildcards."""

import string

MAX_NAME = 253  # RFC 1035, section 2.3.4, without the root's dot
MAX_LABEL = 63  # RFC 1035, section 2.3.4

_LABEL = frozenset(string.ascii_lowercase + string.digits + "-")


def is_dns_label(text: str) -> bool:
    """Tell whether a text is a lower-case DNS label (RFC 1123), as Kubernetes asks of names."""
    return 0 < len(text) <= MAX_LABEL and not set(text) - _LABEL and text[0] != "-" and text[-1] != "-"


def is_hostname(text: str, *, wildcard: bool = False) -> bool:
    """Tell whether a text is a DNS name of lower-case labels; with `wildcard`, `*` or a leading `*.` may stand first."""
    if wildcard and text == "*":
        return True
    if wildcard and text.startswith("*."):
        text = text[2:]
    return 0 < len(text) <= MAX_NAME and all(is_dns_label(label) for label in text.split("."))


def matches(pattern: str, host: str) -> bool:
    """
    Tell whether a host name, wildcard or not, is covered by a pattern.

    Source:
        Istio pkg/config/host `Name.SubsetOf`: `*` covers all, `*.foo` covers what ends in `.foo`.
    """
    if pattern.startswith("*"):
        suffix = pattern[1:]
        if host.startswith("*"):
            return host[1:].endswith(suffix) and len(host) >= len(pattern)
        return host.endswith(suffix)
    return pattern == host

"""What texts must look like: each check gives what was expected, or an empty text when all is well."""

import ipaddress
import re
import string

from meshd.base.addresses import is_ip_address
from meshd.base.hostnames import MAX_NAME, is_dns_label, is_hostname

MAX_LABEL_VALUE = 63  # Kubernetes, apimachinery/pkg/util/validation
MAX_PORT_NAME = 15  # RFC 6335, section 5.1, for names of container ports

_WORD = frozenset(string.ascii_letters + string.digits + "-_.")
_EDGE = frozenset(string.ascii_letters + string.digits)
# reason: this text is the operator's own file, bounded by the reader, and the pattern is linear
_PORT_RANGE = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?\Z", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9_]{0,61}[a-zA-Z0-9])?\Z", re.ASCII)
_WILDCARD_LABEL = re.compile(r"(?:\*|(?:\*-?)?[a-zA-Z0-9](?:[-a-zA-Z0-9_]{0,61}[a-zA-Z0-9])?)\Z", re.ASCII)
_ACCOUNT = re.compile(r"(?:\d{1,10}|[a-z_][a-z0-9_.-]{0,31}\$?)\Z", re.ASCII)


def label_name(text: str) -> str:
    """Check a name that must be one DNS label, as those of services and namespaces."""
    return "" if is_dns_label(text) else "a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters)"


def subdomain_name(text: str) -> str:
    """Check a name that may have dots, as those of most resources."""
    return "" if is_hostname(text) else "a name of lower-case letters, digits, '-' and '.' (RFC 1123 subdomain, at most 253 characters)"


def host_name(text: str) -> str:
    """Check a DNS name; a dot at its end is allowed."""
    return "" if is_hostname(text.removesuffix(".")) else "a DNS name of lower-case letters, digits, '-' and '.'"


def ip_address(text: str) -> str:
    """Check an IP address."""
    return "" if is_ip_address(text) else "an IP address"


def ipv4_address(text: str) -> str:
    """Check an IPv4 address."""
    return "" if is_ip_address(text) and ":" not in text else "an IPv4 address"


def ipv6_address(text: str) -> str:
    """Check an IPv6 address."""
    return "" if is_ip_address(text) and ":" in text else "an IPv6 address"


def label_key(text: str) -> str:
    """Check a label's or annotation's key: `name` or `prefix/name`."""
    prefix, slash, name = text.rpartition("/")
    good = _is_word(name) and len(name) <= MAX_LABEL_VALUE and (not slash or is_hostname(prefix))
    return "" if good else "a key such as app or example.com/app"


def annotation_key(text: str) -> str:
    """Check an annotation's key, which unlike a label's may have capitals before the slash."""
    return label_key(text.lower()) and "a key such as note or example.com/note"


def label_value(text: str) -> str:
    """Check a label's value."""
    good = not text or (_is_word(text) and len(text) <= MAX_LABEL_VALUE)
    return "" if good else "at most 63 letters, digits, '-', '_' and '.', with a letter or digit first and last"


def port_name(text: str) -> str:
    """Check the name of a container's port, as a service's targetPort may give it."""
    good = is_dns_label(text) and len(text) <= MAX_PORT_NAME and "--" not in text and any(letter.isalpha() for letter in text)
    return "" if good else "a port's name of at most 15 lower-case letters, digits and '-', with a letter"


def port_range(text: str) -> str:
    """Check `80` or `8000-8010`."""
    match = _PORT_RANGE.match(text)
    if match is not None:
        first, last = int(match.group(1)), int(match.group(2) or match.group(1))
        if 1 <= first <= last <= 65535:
            return ""
    return "a port or a range such as 8000-8010, from 1 to 65535"


def cidr(text: str) -> str:
    """Check `10.0.0.0/8`, or a single address."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return "an address range such as 10.0.0.0/8"
    return "" if "%" not in text else "an address range such as 10.0.0.0/8"


def account(text: str) -> str:
    """Check a user's or group's number or name."""
    return "" if _ACCOUNT.match(text) and not (text.isdigit() and int(text) >= 2**32 - 1) else "a numeric id or an account's name"


def interface(text: str) -> str:
    """Check a network interface's name (Linux: at most 15 bytes, no slash, no white space)."""
    good = 0 < len(text) <= 15 and text.isascii() and text.isprintable() and not set(text) & set(" /\"'") and text not in (".", "..")
    return "" if good else "an interface's name of at most 15 characters"


def export_to(text: str) -> str:
    """Check a member of an exportTo list."""
    return "" if text in ("*", ".", "~") or is_dns_label(text) else "*, ., ~ or the name of a namespace"


def one_line(text: str) -> str:
    """Check a text that must be printable and on one line."""
    return "" if text and text.isprintable() else "printable text on one line"


def app_protocol(text: str) -> str:
    """Check an appProtocol: like a label's key."""
    return "" if not label_key(text) else "a protocol such as http or kubernetes.io/h2c"


def wildcard_host(text: str) -> str:
    """
    Check a host as Istio's networking API takes it: a DNS name of any case, `*` or a leading `*.`.

    Source:
        Istio pkg/config/validation/agent, ValidateWildcardDomain.
    """
    first, _, rest = text.partition(".")
    labels = rest.removesuffix(".").split(".") if rest else []
    good = 0 < len(text) <= MAX_NAME and bool(_WILDCARD_LABEL.match(first)) and all(_LABEL.match(label) for label in labels)
    return "" if good and not (labels and labels[-1].isdigit()) else "a DNS name, or one with * in the place of its first label"


def subset_name(text: str) -> str:
    """Check a subset's name: a label of any case."""
    return label_name(text.lower()) and "a subset's name of letters, digits and '-'"


def sni_host(text: str) -> str:
    """Check a server name: a host, or one of Istio's own names for a port and subset of it (`outbound_.80_.v1_.reviews...`)."""
    parts = text.split("_.")
    if len(parts) == 4 and parts[0] == "outbound" and parts[1].isdigit():
        return wildcard_host(parts[3])
    return wildcard_host(text)


def _is_word(text: str) -> bool:
    return bool(text) and not set(text) - _WORD and text[0] in _EDGE and text[-1] in _EDGE

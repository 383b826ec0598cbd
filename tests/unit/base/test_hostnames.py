"""Host names and wildcards."""

import pytest

from meshd.base.hostnames import is_dns_label, is_hostname, matches

LONG_LABEL = "a" * 63
LONG_NAME = ".".join([LONG_LABEL] * 3 + ["a" * 61])  # 253 characters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", True),
        ("my-nginx", True),
        ("0", True),
        (LONG_LABEL, True),
        (LONG_LABEL + "a", False),
        ("", False),
        ("-a", False),
        ("a-", False),
        ("A", False),
        ("a_b", False),
        ("a.b", False),
        ("ä", False),
        ("a\n", False),
        ("\x00", False),
    ],
)
def test_knows_dns_labels(text, expected):
    """Lower-case letters, digits and inner hyphens, 1 to 63 of them."""
    assert expected == is_dns_label(text)


@pytest.mark.parametrize(
    ("text", "wildcard", "expected"),
    [
        ("my-nginx.default.svc.cluster.local", False, True),
        ("localhost", False, True),
        (LONG_NAME, False, True),
        (LONG_NAME + "a", False, False),
        ("a" + LONG_NAME, False, False),
        ("", False, False),
        (".", False, False),
        ("a..b", False, False),
        ("a.b.", False, False),
        ("*", False, False),
        ("*", True, True),
        ("*.com", False, False),
        ("*.com", True, True),
        ("*com", True, False),
        ("*.", True, False),
        ("*.*.com", True, False),
        ("a.*.com", True, False),
        ("a b", True, False),
    ],
)
def test_knows_host_names(text, wildcard, expected):
    """Wildcards only where asked for, and only as the whole first label."""
    assert expected == is_hostname(text, wildcard=wildcard)


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("*", "a.com", True),
        ("*", "*", True),
        ("*", "*.com", True),
        ("*.com", "a.com", True),
        ("*.com", "a.b.com", True),
        ("*.com", "com", False),
        ("*.com", "*.com", True),
        ("*.com", "*.a.com", True),
        ("*.a.com", "*.com", False),
        ("*.com", "*", False),
        ("*.com", "acom", False),
        ("a.com", "a.com", True),
        ("a.com", "b.com", False),
        ("a.com", "*.com", False),
        ("a.com", "*", False),
    ],
)
def test_wildcards_cover_what_ends_like_them(pattern, host, expected):
    """Istio's SubsetOf: a wildcard covers names and narrower wildcards."""
    assert expected == matches(pattern, host)

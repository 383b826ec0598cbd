"""Texts of annotations."""

from fractions import Fraction

import pytest

from meshd.inject.checks import address_range, amount, boolean, count, image, interface_name, items, listing, port, quantity


@pytest.mark.parametrize("text", ["1", "100m", "0.5", "128Mi", "1e3", "1E-3", "2k", "+1", ".5", "1.Gi"])
def test_amounts(text):
    """As Kubernetes writes them."""
    assert "" == quantity(text)


@pytest.mark.parametrize("text", ["", "m", "-1", "1 Gi", "1gi", "1e", "1e999", "0x1", "٣", "1" * 50, "1Mi2"])
def test_no_amounts(text):
    """Nothing below zero, and nothing endless."""
    assert "an amount such as 100m or 128Mi" == quantity(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("100m", Fraction(1, 10)), ("2", 2), ("1Ki", 1024), ("1.5Gi", 3 * 2**29), ("1e3", 1000), ("2E", 2 * 10**18),
    ("5E2", 500), ("1u", Fraction(1, 10**6)),
])
def test_amounts_as_numbers(text, expected):
    """Exactly."""
    assert expected == amount(text)


@pytest.mark.parametrize(("check", "good", "bad", "expected"), [
    (image, ("meshd", "example.com:5000/a/meshd:1@sha256:ab"), ("", "a b", "-x", "a;b", "é"),
     "the name of an image such as registry.example.com/meshd:1.0"),
    (boolean, ("true", "false"), ("", "True", "1"), "true or false"),
    (count(1, 10), ("1", "10"), ("0", "11", "", "x", "-1", "1.0", "9" * 20), "a number from 1 to 10"),
    (port, ("1", "65535"), ("0", "65536", "http"), "ports from 1 to 65535"),
    (address_range, ("10.0.0.0/8", "10.0.0.1", "fd00::/8"), ("10.0.0.0/33", "x", ""), "address ranges such as 10.0.0.0/8"),
    (interface_name, ("eth0",), ("", "a b", "x" * 16), "interfaces' names of at most 15 characters"),
    (listing(port), ("", "80", "80,443", " 80 , 443 "), ("80,", "80;443", "*"), "ports from 1 to 65535, with commas between them"),
    (listing(port, star=True), ("*", "", "80"), ("*,80", "x"), "* or ports from 1 to 65535, with commas between them"),
])
def test_checks(check, good, bad, expected):
    """Each says what it expected."""
    assert [""] * len(good) == [check(text) for text in good]
    assert [expected] * len(bad) == [check(text) for text in bad]


def test_items():
    """Blanks do not count."""
    assert ([], ["80", "443"]) == (items(" "), items("80, 443"))

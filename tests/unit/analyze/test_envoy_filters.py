"""Patches of EnvoyFilters."""

import pytest

from meshd.analyze.envoy_filters import find_wrong_patches
from tests.helpers.analysis import found, resource


def patches(*written, more=""):
    """Write an EnvoyFilter with patches, each what it is applied to, its operation, and a version of proxies."""
    items = ", ".join(
        f"{{applyTo: {to}, match: {{proxy: {{proxyVersion: '{version}'}}}}, patch: {{operation: {operation}}}}}"
        for to, operation, version in written
    )
    return resource("networking.istio.io/v1alpha3", "EnvoyFilter", "f", f"configPatches: [{items}]{more}")


@pytest.mark.parametrize(("patch", "expected"), [
    (("HTTP_FILTER", "INSERT_FIRST", ""), []),
    (("HTTP_FILTER", "INSERT_BEFORE", ""), ["IST0151"]),
    (("CLUSTER", "INSERT_AFTER", "1.2"), ["IST0151", "IST0155"]),
    (("NETWORK_FILTER", "REPLACE", ""), ["IST0151"]),
    (("CLUSTER", "REPLACE", ""), ["IST0152"]),
    (("CLUSTER", "ADD", ""), []),
    (("HTTP_ROUTE", "ADD", ""), ["IST0153"]),
    (("ROUTE_CONFIGURATION", "REMOVE", ""), ["IST0154"]),
    (("CLUSTER", "REMOVE", ""), []),
])
def test_finds_patches_that_do_nothing(patch, expected):
    """Or hang on others."""
    assert expected == [line.split()[0] for line in found(find_wrong_patches, patches(patch))]


def test_a_priority_settles_it():
    """Whatever is relative then has its place."""
    assert [] == found(find_wrong_patches, patches(("HTTP_FILTER", "INSERT_BEFORE", "1.2"), more=", priority: 10"))


def test_each_is_told_once():
    """By the first patch."""
    relative = ("HTTP_FILTER", "INSERT_BEFORE", "")
    [line] = found(find_wrong_patches, patches(relative, relative))
    assert line.startswith("IST0151 f 1 spec.configPatches[0].patch.operation: This EnvoyFilter does not have a priority")

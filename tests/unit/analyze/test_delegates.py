"""Tests of delegates."""

from meshd.analyze.delegates import find_wrong_delegates
from tests.helpers.analysis import found
from tests.helpers.small_worlds import to, virtual


def root(*names):
    """Write a VirtualService that delegates."""
    return virtual("root", "hosts: [web], http: [" + ", ".join(f"{{delegate: {{{name}}}}}" for name in names) + "]")


def delegate(name, more="", namespace="default"):
    """Write a VirtualService that is delegated to."""
    return virtual(name, f"http: [{{{to('web')}}}]{more}", namespace=namespace)


def test_finds_delegates_that_are_not_there():
    """By name and namespace; one with hosts is none, nor one that keeps to its namespace."""
    private = delegate("private", ", exportTo: [.]", "other")
    hosted = virtual("hosted", f"hosts: [api], http: [{{{to('web')}}}]")
    asked = ("name: gone", "name: here", "name: private, namespace: other", "name: hosted")
    assert [
        f'IST0101 root 1 spec.http[{index}].delegate: Referenced delegate not found: "{name}"'
        for index, name in ((0, "default/gone"), (2, "other/private"), (3, "default/hosted"))
    ] == found(find_wrong_delegates, root(*asked), delegate("here"), private, hosted)


def test_finds_delegates_that_nobody_asks_for():
    """Mostly their hosts were forgotten."""
    assert ["MESHD004 d 3 spec: This VirtualService has no hosts and nobody delegates to it: it has no effect"] == found(
        find_wrong_delegates, root("name: here"), delegate("d"), delegate("here"),
    )

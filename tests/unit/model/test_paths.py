"""Paths as messages quote them."""

import pytest

from meshd.model.paths import format_path, no_lines, plain_path, shown_key


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), ""),
        (("spec", "ports", 0, "port"), "spec.ports[0].port"),
        (("metadata", "labels", "app.kubernetes.io/name"), "metadata.labels[app.kubernetes.io/name]"),
        (("items", 3), "items[3]"),
        (("a\nb",), "[a?b]"),
        (("x" * 100, "y"), f"[{'x' * 80}].y"),
    ],
)
def test_formats_paths(path, expected):
    """On one line, whatever the keys are."""
    assert expected == format_path(path)


@pytest.mark.parametrize("path", [(), ("spec",), ("spec", "ports", 0, "port"), ("items", 3), ("a", 1, 2, "b")])
def test_reads_plain_paths(path):
    """Back from the text."""
    assert path == plain_path(format_path(path))


def test_keys_are_shown_on_one_line():
    """Characters that would break a log are replaced."""
    assert "a?b?" == shown_key("a\x1bb\u2028")


def test_there_may_be_no_lines():
    """As for resources from an API server."""
    assert 0 == no_lines(("spec",))

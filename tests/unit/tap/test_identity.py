"""Who workers are."""

import os

import attrs
import pytest

from meshd.base.errors import ConfigurationError
from meshd.base.origins import Origin
from meshd.capture.rules import Identity
from meshd.model.metadata import Metadata
from meshd.model.node import CaptureSettings, Node
from meshd.tap.identity import choose_identity, take_group

NODE = Node(Metadata("n1", Origin("n.yaml", 1, "Node", "", "n1")), user="1234")
UNCAPTURED = attrs.evolve(NODE, capture=CaptureSettings(enabled=False))


def test_root_has_workers_become_the_nodes_user():
    """With capture or without."""
    assert [Identity(1234, 1234)] * 2 == [choose_identity(node, 0, 0) for node in (NODE, UNCAPTURED)]


@pytest.mark.parametrize("node", [
    UNCAPTURED, attrs.evolve(NODE, gateway=True), attrs.evolve(NODE, capture=CaptureSettings(inbound=False, outbound=False)),
    attrs.evolve(NODE, capture=CaptureSettings(applied_by="init")),
])
def test_others_stay_who_they_are(node):
    """Where nothing needs root."""
    assert [Identity(1000, 100)] * 2 == [choose_identity(node, 1000, 100), choose_identity(node, 1000, 100, 1000)]


@pytest.mark.parametrize(("euid", "twistd_uid", "said"), [
    (1000, None, "capture needs root, this is uid 1000; run as root, or set spec.capture.enabled: false in this machine's Node .n.yaml:1"),
    (1000, 1000, "twistd's --uid takes away what capture needs"),
    (0, 0, "twistd's --uid takes away what capture needs"),
])
def test_capture_needs_root(euid, twistd_uid, said):
    """It is refused with what to do."""
    with pytest.raises(ConfigurationError, match=said):
        choose_identity(NODE, euid, 0, twistd_uid)


def test_workers_are_never_root():
    """Whatever the Node says."""
    with pytest.raises(ConfigurationError, match="expected an unprivileged user"):
        choose_identity(attrs.evolve(NODE, user="0"), 0, 0)


def test_an_unmapped_group(monkeypatch):
    """As in a user namespace that does not know it."""
    def refuse(gid):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "setegid", refuse)
    with pytest.raises(ConfigurationError, match="gid 1337: Invalid argument; in a user namespace this id must be mapped"):
        take_group(1337)

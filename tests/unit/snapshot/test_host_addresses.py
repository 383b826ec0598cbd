"""Hosts in a snapshot: they travel like its other parts."""

from meshd.base.origins import Origin
from meshd.snapshot.host_addresses import HostAddresses, HostPort
from meshd.snapshot.snapshot import PARTS, NodeReference, Snapshot
from meshd.snapshot.update import apply_update, find_changes
from meshd.snapshot.wire import decode, encode

HOST = HostAddresses("web.test", ("10.0.0.1", "fd00::1"), ("web",), (HostPort("http", "tcp", 80),), True, (Origin("a.yaml", 3),))


def test_hosts_travel():
    """What arrives equals what was sent, the name servers too."""
    snapshot = Snapshot(NodeReference("n", name_servers=("10.0.0.2",)), hosts={HOST.name: HOST})
    update = decode(encode(find_changes(None, snapshot, {}, dict.fromkeys(PARTS, "1"))))
    assert snapshot == apply_update(None, {}, update)[0]

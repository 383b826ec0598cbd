"""What an owner of a stream need not do."""

import errno

from meshd.worker.wire.owner import StreamOwner


def test_an_owner_acts_on_what_concerns_it_only():
    """All other events pass without a trace."""
    class Silent(StreamOwner):
        """Acts on nothing."""

    owner = Silent()
    assert [None] * 6 == [
        owner.on_connected(), owner.on_bytes(b"x"), owner.on_end(), owner.on_lost(errno.ECONNRESET), owner.on_room(), owner.on_broken(),
    ]

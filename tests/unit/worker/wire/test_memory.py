"""Large blocks that come and go are no new pages each time."""

import resource

from meshd.worker.wire.memory import KEPT, keep_freed_memory


def test_large_blocks_cost_no_page_faults():
    """As a read does, each block is taken, filled and freed."""
    keep_freed_memory()
    filled = b"x" * (KEPT // 4)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(100):
        bytearray(filled)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 1000  # 6,400 are the pages of all blocks

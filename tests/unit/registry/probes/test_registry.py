"""The list of probes."""

from typing import get_args, get_type_hints

from meshd.model.workload_group import Probe
from meshd.registry.probes.registry import PROBES


def test_every_kind_of_a_workload_group_can_be_asked():
    """One probe for each kind that the reader of WorkloadGroups knows."""
    assert set(get_args(get_type_hints(Probe)["kind"])) == set(PROBES)

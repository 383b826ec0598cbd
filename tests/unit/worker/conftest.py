"""What tests of a worker's connections share."""

import pytest

from tests.helpers.http_rig import HttpRig
from tests.helpers.worker_rig import Rig


@pytest.fixture
def rig():
    """Give a worker's parts."""
    made = Rig()
    yield made
    made.close()


@pytest.fixture
def rigs():
    """Give a maker of rigs that serve a snapshot; they are closed in the end."""
    made = []

    def build(world):
        made.append(HttpRig(world))
        return made[-1]

    yield build
    for rig in made:
        rig.close()

"""The list of backends."""

from typing import get_args

from meshd.capture.registry import BACKENDS
from meshd.model.node import CaptureSettings
from tests.helpers.fake_kernel import FakeKernel


def test_names_are_those_of_the_settings() -> None:
    """Each setting has its backend, named alike, and `auto` chooses among them."""
    backends = {name: build(FakeKernel(), True) for name, build in BACKENDS.items()}
    assert ["auto", *backends] == list(get_args(CaptureSettings.__annotations__["backend"]))
    assert list(backends) == [backend.name for backend in backends.values()]

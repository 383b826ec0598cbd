"""Workers of either build, for the tests that attack them."""

import pytest

from tests.helpers.worker_process import WorkerProcess, is_compiled


@pytest.fixture(params=["sources", "installed"])
def start(request, tmp_path):
    """Give a maker of workers: of this checkout's files, then of the installed build if that is compiled; they end with the test, unharmed."""
    installed = request.param == "installed"
    if installed and not is_compiled():
        pytest.skip("the installed meshd is not compiled (or not installed)")
    made = []

    def build(snapshot, **options):
        made.append(WorkerProcess(snapshot, tmp_path, installed=installed, **options))
        return made[-1]

    yield build
    for worker in made:
        assert "Traceback" not in worker.errors()
        worker.close()

"""TCP probes."""

from meshd.model.workload_group import Probe
from tests.helpers.probing import Asked, PlayedTarget


def test_a_connection_is_enough():
    """It is hung up at once, and nothing was said."""
    asked = Asked(Probe("tcp", "db", 5432))
    assert ([""], ("db", 5432), b"", True) == (asked.verdicts, asked.endpoint.place, asked.transport.value(), asked.transport.disconnecting)


def test_without_a_host_the_workload_is_asked():
    """At its own address."""
    assert ("10.0.0.1", 80) == Asked(Probe("tcp", port=80)).endpoint.place


def test_no_connection_fails():
    """With what connecting raised."""
    asked = Asked(Probe("tcp", port=80), PlayedTarget(refuses=True))
    failures = []
    asked.result.addErrback(failures.append)
    assert ["Connection was refused by other side."] == [failure.getErrorMessage() for failure in failures]

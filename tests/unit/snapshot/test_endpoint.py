"""Endpoints as values."""

from meshd.snapshot.endpoint import NOWHERE, ClusterLoadAssignment, Endpoint, LocalityEndpoints


def test_an_endpoint_counts_once_and_is_healthy():
    """Discovery leaves out what is not."""
    found = Endpoint("10.0.0.1", 80)
    assert (1, "HEALTHY", "", ()) == (found.weight, found.health, found.workload, found.metadata)


def test_places_are_unknown_and_used_first_unless_said_otherwise():
    """Priorities come with locality rules."""
    found = LocalityEndpoints()
    assert (NOWHERE, 0, ()) == (found.locality, found.priority, found.endpoints)


def test_assignments_are_compared_by_what_they_say():
    """Scaling a service changes its assignment and nothing else."""
    one, two = (ClusterLoadAssignment("c", (LocalityEndpoints(endpoints=(Endpoint("10.0.0.1", port),)),)) for port in (80, 81))
    assert one != two
    assert {one} == {one, ClusterLoadAssignment("c", one.localities)}

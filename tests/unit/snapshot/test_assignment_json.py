"""Endpoints in Envoy's JSON."""

import pytest

from meshd.snapshot.assignment_json import ASSIGNMENT
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.noted_json import Report, note


def at(address="10.0.0.1", port=80, **fields):
    """Give an endpoint."""
    return {"endpoint": {"address": {"socketAddress": {"address": address, "portValue": port}}}, **fields}


def read(*endpoints, **group):
    """Read one group of endpoints of a file; also give the problems' fields."""
    found = note({"clusterName": "c", "endpoints": [{"lbEndpoints": list(endpoints), **group}]}, "", Report("f"))
    return ASSIGNMENT.read(found), [problem.field for problem in found.report.problems]


@pytest.mark.parametrize(
    ("message", "endpoint"),
    [
        (at(), Endpoint("10.0.0.1", 80, health="UNKNOWN")),
        (at("fd00::1", "81", health_status="TIMEOUT", load_balancing_weight={"value": 3}), Endpoint("fd00::1", 81, 3, "UNHEALTHY")),
        (at(healthStatus="DRAINING", metadata={"filterMetadata": {"istio": {"workload": "w"}, "x": {"y": 1}}}),
         Endpoint("10.0.0.1", 80, health="DRAINING", workload="w")),
    ],
)
def test_endpoints_of_a_file(message, endpoint):
    """What is not said is Envoy's default; other metadata is for telemetry."""
    assert (ClusterLoadAssignment("c", (LocalityEndpoints(endpoints=(endpoint,)),)), []) == read(message)


@pytest.mark.parametrize(
    "message",
    [at("name.example.org"), at(port=0), at(port=70000), at(healthStatus="DEGRADED"), at(healthStatus=1), {}, {"endpoint": {"address": {"pipe": {}}}},
     at("10.0.0.1\n"), at("fe80::1%eth0"), at(port=None)],
)
def test_an_endpoint_that_cannot_be_used_is_left_out(message):
    """The others are not."""
    found, problems = read(message, at())
    assert (1, 1) == (len(found.localities[0].endpoints), len(problems))


def test_what_balances_otherwise_is_told_of():
    """A group may ask for what meshd has not."""
    found, problems = read(at(), proximity=1, priority=2, loadBalancingWeight=3)
    assert ((2, 3), ["endpoints[0].proximity"]) == ((found.localities[0].priority, found.localities[0].weight), problems)

"""What workers found out about endpoints, put into what is served."""

import pytest

from meshd.cli.found_out import FoundOut, annotate, read_found_out, with_addresses
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.snapshot.snapshot import NodeReference, Snapshot

STATUS = {
    "workers": [
        {"status": {"ejected": {"c": ["10.0.0.1:80", "10.0.0.2:80"]}, "names": {"db.test": ["10.0.0.2"], "none.test": []}}},
        {"status": {"ejected": {"c": ["10.0.0.1:80"]}, "names": {"db.test": ["10.0.0.1"]}}},
    ],
}
FOUND = read_found_out(STATUS)


def test_puts_the_reports_of_all_workers_together():
    """Each counts failures for itself; a worker without a report, and a meshd that tells nothing, are no fault."""
    assert {("c", "10.0.0.1:80"): 2, ("c", "10.0.0.2:80"): 1} == FOUND.ejected
    assert {"db.test": ["10.0.0.1", "10.0.0.2"], "none.test": []} == FOUND.names
    assert (FoundOut(), FoundOut(1)) == (read_found_out({}), read_found_out({"workers": [{"status": None}]}))


@pytest.mark.parametrize(
    ("place", "expected"), [("10.0.0.1:80", "FAILED"), ("10.0.0.2:80", "FAILED (1 of 2 workers)"), ("10.0.0.3:80", "OK")],
)
def test_says_which_endpoints_failed(place, expected):
    """istioctl's words, and of how many workers where they differ."""
    assert expected == FOUND.outlier_check("c", place)
    assert "OK" == FOUND.outlier_check("other", place)


def test_snapshots_get_addresses():
    """With the name kept as the host's; what every worker took out of use is not healthy."""
    endpoints = (Endpoint("DB.test.", 80), Endpoint("none.test", 80), Endpoint("10.0.0.3", 80))
    snapshot = Snapshot(NodeReference("n"), endpoints={"c": ClusterLoadAssignment("c", (LocalityEndpoints(endpoints=endpoints),))})
    (place,) = with_addresses(snapshot, FOUND).endpoints["c"].localities
    assert [
        ("10.0.0.1", "DB.test.", "UNHEALTHY"), ("10.0.0.2", "DB.test.", "HEALTHY"), ("none.test", "", "HEALTHY"), ("10.0.0.3", "", "HEALTHY"),
    ] == [(endpoint.address, endpoint.hostname, endpoint.health) for endpoint in place.endpoints]


def test_json_gets_addresses_and_marks():
    """Of endpoints that stand by themselves or within a cluster; metadata that is there stays."""
    def endpoint(address):
        metadata = {"filterMetadata": {"istio": {"workload": "w"}}}
        return {"endpoint": {"address": {"socketAddress": {"address": address, "portValue": 80}}}, "metadata": metadata}

    def assignment(name, *addresses):
        return {"clusterName": name, "endpoints": [{"lbEndpoints": [endpoint(address) for address in addresses]}]}

    pipe = {"endpoint": {"address": {"pipe": {"path": "/run/app"}}}}
    dump = {"endpoints": [assignment("c", "10.0.0.1")], "clusters": [{"name": "d", "loadAssignment": assignment("d", "db.test")}, {"name": "e"}]}
    dump["endpoints"][0]["endpoints"][0]["lbEndpoints"].append(pipe)
    noted = annotate(dump, FOUND)
    (first, second), named = (place["endpoints"][0]["lbEndpoints"] for place in (noted["endpoints"][0], noted["clusters"][0]["loadAssignment"]))
    assert ({"istio": {"workload": "w"}, "meshd": {"outlierCheck": "FAILED"}}, pipe) == (first["metadata"]["filterMetadata"], second)
    assert ["10.0.0.1", "10.0.0.2"] == [found["endpoint"]["address"]["socketAddress"]["address"] for found in named]
    assert all("meshd" not in found["metadata"]["filterMetadata"] for found in named)

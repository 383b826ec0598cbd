"""What a DestinationRule settles besides who is picked, as it is explained."""

import pytest

from meshd.base.origins import Origin
from meshd.explain.answer import Answer
from meshd.explain.clusters import tell_of_connections
from meshd.snapshot.cluster import Cluster, Keepalive, OutlierDetection, RetryBudget, SlowStart, Thresholds
from meshd.snapshot.tls import PeerCheck, UpstreamTls


@pytest.mark.parametrize(("settings", "expected"), [
    ({}, []),
    ({"thresholds": Thresholds()}, []),
    ({"tls": UpstreamTls()}, [("TLS to endpoints", "asks for no name; its certificate is not checked; shows no certificate")]),
    ({"tls": UpstreamTls(certificate="mine", server=PeerCheck("roots", ("a.test",), ("b",)), sni="s.test")},
     [("TLS to endpoints", "asks for s.test; its certificate has to come from roots, for a.test or b...; shows mine")]),
    ({"tls": UpstreamTls(server=PeerCheck("roots"), auto_sni=True, auto_san=True)},
     [("TLS to endpoints", "asks for the host of each request; its certificate has to come from roots, for the name asked for; "
       "shows no certificate")]),
    ({"proxy_protocol": "V2"}, [("PROXY protocol", "each connection begins with a header of version 2 and carries one client's requests")]),
    ({"keepalive": Keepalive()}, [("TCP keepalive", "an idle connection is probed after the system's time")]),
    ({"keepalive": Keepalive(3, 60, 5)}, [("TCP keepalive", "an idle connection is probed after 60 s, every 5 s, given up after 3 probes")]),
    ({"slow_start": SlowStart(60.0)},
     [("warm-up", "a new endpoint begins with 10 % of its share, and has all of it after 60 s, growing evenly")]),
    ({"slow_start": SlowStart(60.0, 2.0, 20.0), "lb_policy": "ROUND_ROBIN"},
     [("warm-up", "a new endpoint begins with 20 % of its share, and has all of it after 60 s, growing with aggression 2")]),
    ({"slow_start": SlowStart(60.0), "lb_policy": "RANDOM"}, []),
    ({"thresholds": Thresholds(3, 7, 9, 2), "max_requests_per_connection": 5, "http_connection_duration": 3600.0},
     [("limits", "at most 3 connections; at most 7 requests waiting; at most 9 requests; at most 2 retries; "
       "at most 5 requests to a connection; a connection is used for 3600 s at most")]),
    ({"thresholds": Thresholds(max_retries=2, retry_budget=RetryBudget())},
     [("limits", "at most as many retries as 20 % of requests, but 3 in any case")]),
    ({"outlier_detection": OutlierDetection()},
     [("outlier detection", "5 answers of 500 or more in a row take an endpoint out for 30 s, longer each time; at most 10 % of them")]),
    ({"outlier_detection": OutlierDetection(0, 2, 4, 0, 100, split_local_origin=True)},
     [("outlier detection", "2 answers of 502, 503 or 504 or 4 failures without an answer in a row take an endpoint out for 30 s, "
       "longer each time; at most 10 % of them")]),
    ({"outlier_detection": OutlierDetection(0)}, [("outlier detection", "no failure takes an endpoint out")]),
])
def test_tells_of_connections(settings, expected):
    """Everything that is set, with the rules that set it; nothing of what is not."""
    answer = Answer()
    tell_of_connections(Cluster("c", "EDS", origins=(Origin("a.yaml", 3),), **settings), answer)
    assert [(*told, "a.yaml:3") for told in expected] == [(step.step, step.why, step.origin) for step in answer.steps]

"""Rows of clusters, as istioctl writes them."""

import pytest

from meshd.cli.proxy_config.clusters import rows, select
from meshd.cli.proxy_config.filters import Filters

RULE = {"filterMetadata": {"istio": {"config": "/apis/networking.istio.io/v1alpha3/namespaces/default/destination-rule/reviews"}}}
DUMP = {"clusters": [
    {"name": "outbound|9080|v1|reviews.default.svc.cluster.local", "type": "EDS", "metadata": RULE},
    {"name": "outbound|80||my-nginx.default.svc.cluster.local", "type": "EDS"},
    {"name": "inbound|80||", "type": "ORIGINAL_DST"},
    {"name": "BlackHoleCluster"},
]}


def test_rows() -> None:
    """Names that are no subset keys stand alone."""
    assert [
        ("", "80", "-", "inbound", "ORIGINAL_DST", ""),
        ("BlackHoleCluster", "-", "-", "-", "STATIC", ""),
        ("my-nginx.default.svc.cluster.local", "80", "-", "outbound", "EDS", ""),
        ("reviews.default.svc.cluster.local", "9080", "v1", "outbound", "EDS", "reviews.default"),
    ] == rows(select(DUMP, Filters()), Filters())


@pytest.mark.parametrize(("filters", "expected"), [
    (Filters(fqdn="my-nginx"), ["outbound|80||my-nginx.default.svc.cluster.local"]),
    (Filters(port=80), ["inbound|80||", "outbound|80||my-nginx.default.svc.cluster.local"]),
    (Filters(direction="inbound"), ["inbound|80||"]),
    (Filters(subset="v1"), ["outbound|9080|v1|reviews.default.svc.cluster.local"]),
    (Filters(fqdn="my-nginx", port=81), []),
])
def test_select(filters: Filters, expected: list[str]) -> None:
    """All that is asked must hold."""
    assert expected == [cluster["name"] for cluster in select(DUMP, filters)]

"""Names of clusters, listeners and routes."""

import pytest

from meshd.compile.names import inbound_cluster, listener_name, outbound_cluster, service_host, service_route


@pytest.mark.parametrize(
    ("expected", "name"),
    [
        ("reviews.shop.svc.cluster.local", service_host("reviews", "shop", "cluster.local")),
        ("outbound|80||reviews.shop.svc.cluster.local", outbound_cluster(80, "reviews.shop.svc.cluster.local")),
        ("outbound|80|v1|reviews.shop", outbound_cluster(80, "reviews.shop", "v1")),
        ("inbound|8080||", inbound_cluster(8080)),
        ("0.0.0.0_80", listener_name("0.0.0.0", 80)),
        ("fd00::1_80", listener_name("fd00::1", 80)),
        ("reviews.shop:80", service_route("reviews.shop", 80)),
    ],
)
def test_names_are_formed_as_istio_forms_them(expected, name):
    """Other programs look these names up, and the access log shows them."""
    assert expected == name

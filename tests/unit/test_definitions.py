"""The definitions of kinds for clusters are those of the kinds that meshd knows."""

import pytest

from tests.kubernetes.definitions import PAGE, current_page, plural


def test_are_current():
    """The file is what `python -m tests.kubernetes.definitions --write` writes."""
    assert current_page() == PAGE.read_text()


@pytest.mark.parametrize(("kind", "expected"), [
    ("Gateway", "gateways"), ("ServiceEntry", "serviceentries"), ("GatewayClass", "gatewayclasses"), ("Mesh", "meshes"), ("Node", "nodes"),
    ("ProxyConfig", "proxyconfigs"), ("BackendTLSPolicy", "backendtlspolicies"),
])
def test_names_of_many(kind, expected):
    """As Istio and the Gateway API write them."""
    assert expected == plural(kind)

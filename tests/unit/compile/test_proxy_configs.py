"""Settings of the proxy itself."""

import pytest

from meshd.compile.proxy_configs import ProxySettings, proxy_settings, settled
from meshd.model.node import DnsSettings
from meshd.model.world import World
from tests.helpers.resources import resources_of
from tests.helpers.services import machine
from tests.helpers.small_worlds import istio, mesh

MESH = mesh("defaultConfig: {concurrency: 1, proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'false'}}")
CAPTURES = "environmentVariables: {ISTIO_META_DNS_CAPTURE: 'true'}"
ROOT = istio("ProxyConfig", "root", f"concurrency: 2, {CAPTURES}", namespace="istio-system")
OWN = istio("ProxyConfig", "own", "concurrency: 3")
CHOSEN = istio("ProxyConfig", "chosen", "selector: {matchLabels: {app: web}}, concurrency: 0, environmentVariables: {ISTIO_META_DNS_CAPTURE: 'no'}")
OTHER = istio("ProxyConfig", "other", f"selector: {{matchLabels: {{app: db}}}}, concurrency: 5, {CAPTURES}")


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        ((), ProxySettings(None, False)), ((MESH,), ProxySettings(1, False)), ((MESH, ROOT), ProxySettings(2, True)),
        ((MESH, ROOT, OWN), ProxySettings(3, True)), ((MESH, ROOT, OWN, CHOSEN), ProxySettings(0, False)),
        ((MESH, OTHER), ProxySettings(1, False)),
        ((istio("ProxyConfig", "far", f"concurrency: 9, {CAPTURES}", namespace="far"),), ProxySettings(None, False)),
    ],
)
def test_the_nearest_that_says_something_counts(documents, expected):
    """Each setting by itself: a selector, the namespace, the root namespace, the mesh."""
    world = World().changed(resources_of("\n---\n".join(documents))) if documents else World()
    assert expected == proxy_settings(world, machine(labels={"app": "web"}))


def test_of_equals_the_oldest_counts():
    """And where none is older, the first by name."""
    several = (istio("ProxyConfig", name, f"concurrency: {number}") for name, number in (("b", 2), ("a", 1)))
    assert 1 == proxy_settings(World().changed(resources_of("\n---\n".join(several))), machine()).concurrency


@pytest.mark.parametrize(("own", "gateway", "documents", "expected"), [
    (None, False, (), False), (None, False, (ROOT,), True), (None, False, (ROOT, CHOSEN), False), (None, True, (ROOT,), False),
    (False, False, (ROOT,), False), (True, False, (CHOSEN,), True), (True, True, (), True),
])
def test_who_decides_whether_names_are_resolved(own, gateway, documents, expected):
    """The Node, else ProxyConfigs, else the mesh; an edge proxy only by its Node."""
    world = World().changed(resources_of("\n---\n".join(documents))) if documents else World()
    node = machine(labels={"app": "web"}, gateway=gateway, dns=DnsSettings(own, ("10.0.0.2",)))
    assert DnsSettings(expected, ("10.0.0.2",)) == settled(node, world).dns

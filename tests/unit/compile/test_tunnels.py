"""Tunnels of destinations."""

import pytest

from meshd.snapshot.network_filter import Tunneling
from tests.helpers.small_worlds import NODE, compiled, istio, svc, to, virtual

PORT = "{name: tcp, port: 3128}"
SERVICES = (svc("db", "{name: tcp, port: 90}"), svc("proxy", PORT, "10.9.0.2"), svc("other", PORT, "10.9.0.3"))
TUNNEL = "tunnel: {targetHost: far.test, targetPort: 443}"
OWN = "tunnel: {targetHost: own.test, targetPort: 444, protocol: POST}"
RULE = istio("DestinationRule", "dr", f"host: proxy, trafficPolicy: {{{TUNNEL}}}, subsets: [{{name: own, trafficPolicy: {{{OWN}}}}}, {{name: none}}]")


def tunnel_to(rules):
    """Give the tunnel of the connections to `db` by some rules."""
    world = compiled(NODE, *SERVICES, RULE, virtual("vs", f"hosts: [db], tcp: [{rules}]"))
    found = world.snapshot.listeners["10.9.0.1_90"]
    (chain,) = [*found.filter_chains, *([found.default_filter_chain] if found.default_filter_chain else [])]
    return chain.filter.tunnel


@pytest.mark.parametrize(("rules", "expected"), [
    (f"{{{to('proxy')}}}", Tunneling("far.test:443")),
    (f"{{{to('proxy, subset: own')}}}", Tunneling("own.test:444", use_post=True)),
    (f"{{{to('proxy, subset: none')}}}", None),
    (f"{{{to('proxy, subset: absent')}}}", None),
    (f"{{{to('other')}}}", None),
    (f"{{{to('nowhere')}}}", None),
    ("{route: [{destination: {host: proxy, subset: own}, weight: 1}, {destination: {host: other}, weight: 1}]}", Tunneling("far.test:443")),
    ("{route: [{destination: {host: other}, weight: 1}, {destination: {host: proxy}, weight: 1}]}", None),
])
def test_tunnels_are_the_destinations(rules, expected):
    """A subset has its own or none; of several destinations the first one's counts, whatever its subset."""
    assert expected == tunnel_to(rules)


def test_services_without_rules_have_theirs():
    """A tunnel to a target in IPv6 has brackets."""
    rule = istio("DestinationRule", "dr", f"host: db, trafficPolicy: {{{TUNNEL}}}")
    found = compiled(NODE, *SERVICES, rule).snapshot.listeners["10.9.0.1_90"]
    (chain,) = [*found.filter_chains, *([found.default_filter_chain] if found.default_filter_chain else [])]
    assert Tunneling("far.test:443") == chain.filter.tunnel

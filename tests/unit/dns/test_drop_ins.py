"""Files for a machine's own resolver."""

import pytest

from meshd.cli.dns import RESOLVER_NAMES
from meshd.dns.drop_ins import HEADER, RESOLVERS, Domains, dnsmasq_text, domains_of, resolved_text

DOMAINS = Domains("shop.svc.cluster.local", ("api.example.com", "cluster.local"))


@pytest.mark.parametrize(("names", "expected"), [
    ((), ("cluster.local",)),
    (("web.shop.svc.cluster.local", "*.wild.test", "a.wild.test", "API.example.com."), ("api.example.com", "cluster.local", "wild.test")),
    (("not a name", "x]\ny", "*"), ("cluster.local",)),
])
def test_domains(names, expected):
    """None below another, and nothing that a file could be broken with."""
    assert Domains("shop.svc.cluster.local", expected) == domains_of(names, "shop.svc.cluster.local", "cluster.local")


def test_resolved():
    """Names of one label are completed with the machine's own domain."""
    assert HEADER + (
        "[Resolve]\nDNS=127.0.0.1:15053\nDomains=shop.svc.cluster.local ~api.example.com ~cluster.local\n"
    ) == resolved_text(DOMAINS, "127.0.0.1", 15053)
    assert "DNS=[::1]:53\n" in resolved_text(DOMAINS, "::1", 53)


def test_dnsmasq():
    """Names of one label are asked of meshd as they are."""
    servers = "server=//::1#15053\nserver=/api.example.com/::1#15053\nserver=/cluster.local/::1#15053\n"
    assert HEADER + servers == dnsmasq_text(DOMAINS, "::1", 15053)


def test_names_of_resolvers():
    """The command offers those that there are."""
    assert RESOLVER_NAMES == tuple(RESOLVERS)

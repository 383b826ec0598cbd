"""`registry` of Nodes."""

import pytest

from meshd.model.node import Node
from meshd.model.registry_settings import NO_REGISTRY, RegistryServer, RegistrySettings, split_url
from meshd.model.workload_group import Probe
from tests.helpers.resources import complaints_of, resources_of

HEAD = "apiVersion: meshd.io/v1\nkind: Node\nmetadata: {name: web-1}\nspec:\n  namespace: shop\n  registry: "
JOIN = "join: https://r"


def node(registry: str) -> Node:
    """Read a Node."""
    [found] = resources_of(f"{HEAD}{registry}\n")
    assert isinstance(found, Node)
    return found


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        ("", NO_REGISTRY),
        ("{serve: {}}", RegistrySettings(serve=RegistryServer())),
        ("{serve: {address: 10.0.0.1, port: 443, certificate: /c, key: /k, gracePeriod: 30s}}",
         RegistrySettings(serve=RegistryServer("10.0.0.1", 443, "/c", "/k", 30.0))),
        ("{join: https://r, token: /t}", RegistrySettings("https://r", token="/t")),
        ("{join: https://r, token: /t, group: web}", RegistrySettings("https://r", False, "shop", "web", "/t")),
        ("{kubernetes: true, group: vms/web, probe: {tcpSocket: {port: 80}}}",
         RegistrySettings("", True, "vms", "web", probe=Probe("tcp", port=80))),
        ("{join: https://r, token: /t, certificateAuthority: /a, pin: '" + "AB" * 32 + "'}",
         RegistrySettings("https://r", token="/t", authority="/a", pin="ab" * 32)),
    ],
)  # fmt: skip
def test_reads_what_is_asked_for(registry, expected):
    """A group without a namespace is in the Node's."""
    assert (expected, []) == (node(registry).registry, complaints_of(f"{HEAD}{registry}\n"))


def test_a_registry_is_reached_without_a_detour():
    """Its port is left out of capture, so that it sees who connects."""
    assert ("22", "15016") == node("{serve: {}}").capture.exclude_inbound_ports


@pytest.mark.parametrize(
    ("registry", "expected"),
    [
        ("{join: 'http://r', token: /t}", "join: expected a URL such as https://registry.example.com:15016, got 'http://r'"),
        ("{join: 'https://r:0', token: /t}", "join: expected a URL such as https://registry.example.com:15016, got 'https://r:0'"),
        ("{join: 'https://r:99999', token: /t}", "join: expected a URL such as https://registry.example.com:15016, got 'https://r:99999'"),
        ("{join: 'https://u@r', token: /t}", "join: expected a URL such as https://registry.example.com:15016, got 'https://u@r'"),
        ("{join: 'https://r/x', token: /t}", "join: expected a URL such as https://registry.example.com:15016, got 'https://r/x'"),
        ("{join: https://r}",
         "token: expected the file of a token beside join, got nothing; make one on the registry: meshctl registry token create"),
        ("{join: https://r, token: t}", "token: expected an absolute path, got 't'"),
        ("{join: https://r, token: /t, kubernetes: true}", "kubernetes: expected one place to register at, got join beside it"),
        ("{group: web}", "group: expected join or kubernetes beside it, got nothing; it has no effect"),
        ("{kubernetes: true, group: A/web}", "group: expected the name of a WorkloadGroup, or namespace/name, got 'A/web'"),
        ("{kubernetes: true, probe: {tcpSocket: {port: 80}}}", "probe: expected a group beside it, got nothing; it has no effect"),
        ("{serve: {certificate: /c}}", "serve.certificate: expected certificate and key, got one of them"),
        ("{serve: {gracePeriod: 1s}}", "serve.gracePeriod: expected a duration of at least 3s such as 10s or 250ms, got '1s'"),
        ("{serve: {gracePeriod: 2h}}", "serve.gracePeriod: expected a duration of at most 3600s, got 7200s"),
        ("{join: https://r, token: /t, pin: abc}", "pin: expected the SHA-256 of a certificate, 64 hexadecimal digits, got 'abc'"),
        ("{serves: {}}", "serves: expected a known field, got serves, which is ignored; did you mean serve?"),
    ],
)
def test_tells_what_is_wrong(registry, expected):
    """Each with its field."""
    assert [f"spec.registry.{expected}"] == [line.split(" ", 2)[2] for line in complaints_of(f"{HEAD}{registry}\n")][:1]


@pytest.mark.parametrize(
    ("url", "expected"), [("https://r", ("r", 15016)), ("https://r:1/", ("r", 1)), ("https://[fd00::1]:7", ("fd00::1", 7))],
)
def test_splits_urls(url, expected):
    """The port may be left out."""
    assert expected == split_url(url)

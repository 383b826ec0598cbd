"""resolv.conf, read as the C library does."""

import pytest

from meshd.dns import resolv_conf
from meshd.dns.resolv_conf import ResolvConf, ResolverSettings, captured_servers, read_resolv_conf
from meshd.model.node import CaptureSettings, DnsSettings
from tests.helpers.services import machine


@pytest.mark.parametrize(("text", "servers", "search"), [
    ("nameserver 10.0.0.2\nnameserver fd00::2\n", ("10.0.0.2", "fd00::2"), ()),
    ("# x\n; y\nnameserver 10.0.0.2 # z\nsearch Corp.Example. sub.example\noptions ndots:2\n", ("10.0.0.2",), ("corp.example", "sub.example")),
    ("domain a.test\nsearch b.test\n", (), ("b.test",)), ("search .\n", (), ()),
    ("nameserver\nnameserver x\nnameserver 10.0.0.2\n" * 2, ("10.0.0.2",), ()),
    ("nameserver fe80::1%eth0\n", ("fe80::1%eth0",), ()), ("nameserver 127.0.0.53\nnameserver 8.8.8.8\n", ("127.0.0.53",), ()),
    ("".join(f"nameserver 10.0.0.{number}\n" for number in range(1, 12)), tuple(f"10.0.0.{number}" for number in range(1, 9)), ()),
])
def test_reads_what_matters(text, servers, search):
    """Of several search lines the last counts; beside a server of this machine others are left out."""
    assert ResolverSettings(servers, search) == read_resolv_conf(text)


def test_a_server_at_an_address_of_the_machine_is_its_own():
    """As dnsmasq on the address of an interface is, which asks the others itself."""
    assert ("10.0.0.9",) == read_resolv_conf("nameserver 8.8.8.8\nnameserver 10.0.0.9\n", ("10.0.0.9",)).servers


def test_the_file_is_looked_at_again(tmp_path):
    """A change is told; a file that is gone is an empty one; servers of the Node stand before it."""
    path = tmp_path / "resolv.conf"
    found = ResolvConf(str(path))
    assert (False, ResolverSettings()) == (found.look(), found.settings)
    path.write_text("nameserver 10.0.0.2\nsearch a.test\n")
    assert (True, ResolverSettings(("10.0.0.2",), ("a.test",)), False) == (found.look(), found.settings, found.look())
    found.use(("10.0.0.9",), ())
    assert ResolverSettings(("10.0.0.9",), ("a.test",)) == found.settings
    path.unlink()
    assert (True, ResolverSettings(("10.0.0.9",))) == (found.look(), found.settings)


@pytest.mark.parametrize(("settings", "expected"), [
    ({}, ("10.0.0.2",)), ({"dns": DnsSettings(True, ("10.0.0.9", "fe80::1%eth0"))}, ("10.0.0.9",)), ({"dns": DnsSettings()}, ()),
    ({"dns": DnsSettings(True, mesh_only=True)}, ()),
    ({"capture": CaptureSettings(enabled=False)}, ()), ({"capture": CaptureSettings(outbound=False)}, ()), ({"gateway": True}, ()),
])
def test_whose_questions_are_diverted(monkeypatch, tmp_path, settings, expected):
    """Those to the Node's servers or the file's, where names are resolved and connections captured; no rule can name a zone."""
    (tmp_path / "resolv.conf").write_text("nameserver 10.0.0.2\n")
    monkeypatch.setattr(resolv_conf, "PATH", str(tmp_path / "resolv.conf"))
    assert expected == captured_servers(machine(**{"dns": DnsSettings(True), **settings}))


def test_questions_to_others_than_the_machines_own_server_are_left_alone(monkeypatch, tmp_path):
    """It asks them itself."""
    (tmp_path / "resolv.conf").write_text("nameserver 10.0.0.2\nnameserver 10.0.0.3\n")
    monkeypatch.setattr(resolv_conf, "PATH", str(tmp_path / "resolv.conf"))
    assert ("10.0.0.3",) == captured_servers(machine("10.0.0.1", "10.0.0.3", dns=DnsSettings(True)))

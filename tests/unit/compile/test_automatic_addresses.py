"""Automatic addresses: where they come from, and what they lead to."""

import random

import attrs
import pytest

from meshd.compile.automatic_addresses import LABEL, SLOTS, wants_address, with_addresses
from meshd.compile.services import read_entry
from tests.helpers.services import mesh_service, port, service
from tests.helpers.small_worlds import NODE, answer_to, compiled, http, istio, mesh, tcp, tls
from tests.helpers.traffic import entry, entry_service


def given(*entries):
    """Give the addresses of each host, of services oldest first."""
    services = sorted((service for one in entries for service in read_entry(one)), key=lambda service: service.age_key)
    return {f"{service.namespace}/{service.host}": service.addresses for service in with_addresses(services)}


def test_an_address_follows_from_namespace_and_host():
    """The places are those of Istio's hash; both families have one."""
    found = given(entry("a", "foo.com", resolution="STATIC", namespace=""), entry("b", "istio.io", resolution="DNS"))
    assert {"/foo.com": ("240.240.227.81", "2001:2::f0f0:e351"), "default/istio.io": ("240.240.122.168", "2001:2::f0f0:7aa8")} == found


def test_one_entry_more_moves_no_other():
    """Nor does the order in which they are read; a thousand hosts have a thousand addresses, none of which ends in 0 or 255."""
    entries = [entry(f"e{number}", f"h{number}.test", resolution="DNS", created=f"2026-01-{1 + number % 28:02}") for number in range(1000)]
    whole = given(*entries)
    assert 1000 == len({address for address, _ in whole.values()}) == len({address for _, address in whole.values()})
    assert not {address.rpartition(".")[2] for address, _ in whole.values()} & {"0", "255"}
    random.Random(1).shuffle(entries)
    assert whole == given(*entries)
    newest = entry("new", "new.test", resolution="DNS", created="2027-01-01")
    assert {**whole, **given(newest)} == given(*entries, newest)


def test_hosts_that_meet_are_kept_apart():
    """The older one has the address."""
    older, newer = (entry(f"{host}.test", resolution="DNS", created=created) for host, created in (("h505", "1"), ("h1881", "2")))
    older, newer = (attrs.evolve(found, hosts=(found.metadata.name,)) for found in (older, newer))
    assert given(older)["default/h505.test"] == given(newer)["default/h1881.test"] == given(newer, older)["default/h505.test"]
    assert 2 == len(set(given(newer, older).values()))


def test_one_host_of_a_namespace_has_one_address():
    """However many ServiceEntries have it."""
    entries = [entry(name, "istio.io", resolution="DNS") for name in ("http", "https")]
    services = with_addresses(service for one in entries for service in read_entry(one))
    assert [("240.240.122.168", "2001:2::f0f0:7aa8")] * 2 == [service.addresses for service in services]


def test_addresses_that_somebody_has_are_left_to_him():
    """Written by hand, or by Istio's own allocation into a status, which goes before ours."""
    by_hand = entry("hand", "hand.test", addresses=("240.240.122.168",), resolution="STATIC")
    assigned = entry("assigned", "z.test", resolution="DNS", assigned={"z.test": ("240.240.0.1", "2001:2::1")})
    found = given(by_hand, assigned, entry("b", "istio.io", resolution="DNS"))
    assert ("240.240.0.1", "2001:2::1") == found["default/z.test"]
    assert ("240.240.122.168",) == found["default/hand.test"]
    assert found["default/istio.io"][0].startswith("240.240.")
    assert "240.240.122.168" != found["default/istio.io"][0]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (entry_service("a", resolution="STATIC"), True), (entry_service("a", resolution="DNS_ROUND_ROBIN"), True),
        (entry_service("a", resolution="NONE"), False), (entry_service("a", "*.a.test", resolution="STATIC"), False),
        (entry_service("a", resolution="STATIC", addresses=("10.9.0.1",)), False), (mesh_service(service("web", port(80), address="")), False),
    ],
)
def test_who_wants_an_address(found, expected):
    """A host of a ServiceEntry that has none."""
    assert expected == wants_address(found)


def test_a_label_says_no():
    """Istio's."""
    wanted = entry_service("a", resolution="STATIC")
    for said, expected in (("false", False), ("true", True)):
        labelled = attrs.evolve(wanted.resource.metadata, labels={LABEL: said})
        assert expected == wants_address(attrs.evolve(wanted, resource=attrs.evolve(wanted.resource, metadata=labelled)))


CAPTURED = mesh("defaultConfig: {proxyMetadata: {ISTIO_META_DNS_CAPTURE: 'true'}}, outboundTrafficPolicy: {mode: REGISTRY_ONLY}")
ENTRIES = tuple(
    istio("ServiceEntry", name, f"hosts: [{name}.test], resolution: STATIC, endpoints: [{{address: {address}}}], ports: [{ports}]")
    for name, address, ports in (
        ("a", "10.2.0.1", "{number: 5432, name: tcp, protocol: TCP}, {number: 80, name: http, protocol: HTTP}"),
        ("b", "10.2.0.2", "{number: 5432, name: tcp, protocol: TCP}, {number: 443, name: tls, protocol: TLS}"),
    )
)


def test_databases_on_one_port_are_told_apart_by_their_addresses():
    """Where names are answered by the mesh; HTTP knows the address as a name, too."""
    world = compiled(NODE, CAPTURED, *ENTRIES)
    (a, _), (b, _) = (given(entry(name, f"{name}.test", resolution="STATIC"))[f"default/{name}.test"] for name in "ab")
    calls = (tcp(a, 5432), tcp(b, 5432), http(a, 80, "a.test"), http("10.7.0.1", 80, a), tls(b, 443, "b.test"))
    assert [
        f"{a}_5432 - outbound|5432||a.test 10.2.0.1:5432", f"{b}_5432 - outbound|5432||b.test 10.2.0.2:5432",
        "0.0.0.0_80 80 outbound|80||a.test 10.2.0.1:80", "0.0.0.0_80 80 outbound|80||a.test 10.2.0.1:80",
        f"{b}_443 - outbound|443||b.test 10.2.0.2:443",
    ] == [answer_to(world, call) for call in calls]
    assert [] == world.snapshot.inconsistencies()


def test_without_that_they_take_the_port():
    """The first of them, as clients come with addresses that nobody knows."""
    world = compiled(NODE, *ENTRIES)
    assert "0.0.0.0_5432 - outbound|5432||a.test 10.2.0.1:5432" == answer_to(world, tcp("10.7.0.1", 5432))


def test_there_is_an_end_of_addresses():
    """Whoever comes later has none; nobody looks for one for long."""
    full = attrs.evolve(
        entry_service("full", resolution="STATIC"), addresses=tuple(f"240.240.{(slot + 1) // 255}.{(slot + 1) % 255}" for slot in range(SLOTS)),
    )
    several = [attrs.evolve(entry_service("late", resolution="DNS"), host=f"h{number}.test") for number in range(1000)]
    assert {()} == {service.addresses for service in with_addresses([full, *several])[1:]}
    last = attrs.evolve(full, addresses=tuple(address for address in full.addresses if address != "240.240.254.254" and not address.endswith(".0")))
    found = with_addresses([last, *several[:2]])
    assert [("240.240.254.254", "2001:2::f0f0:fefe"), ()] == [service.addresses for service in found[1:]]

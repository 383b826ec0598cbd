"""Tests of clusters whose endpoints have names, from the snapshot to what is picked."""

import attrs
import pytest
from twisted.internet.task import Clock

from meshd.base.locality import Locality
from meshd.snapshot.cluster import Cluster
from meshd.snapshot.endpoint import ClusterLoadAssignment, Endpoint, LocalityEndpoints
from meshd.worker.upstream.cluster import LiveClusters, Means
from meshd.worker.upstream.followed_name import LookupMeans
from meshd.worker.upstream.lookup_limits import LookupLimits
from meshd.worker.upstream.names import NamedClusters, questions_of
from meshd.worker.upstream.resolver import MachineResolver
from meshd.worker.wire.wheel import Wheel
from tests.helpers.name_server import NameServer, a
from tests.helpers.worker_rig import downstream

STRICT = Cluster("c", "STRICT_DNS", "ROUND_ROBIN", dns_lookup_family="V4_ONLY", dns_refresh_rate=60.0)
LOGICAL = attrs.evolve(STRICT, type="LOGICAL_DNS")
HERE = Locality("region", "zone")
DB = Endpoint("db.test", 5432, 3, workload="w", metadata=(("tlsMode", "disabled"),))


def assignment(*endpoints):
    """Give the endpoints of the cluster."""
    return ClusterLoadAssignment("c", (LocalityEndpoints(HERE, endpoints, 1, 7),))


class Mesh:
    """Live clusters that follow names which a real server answers for."""

    def __init__(self, tmp_path):
        self.server, self.clock, self.problems = NameServer(), Clock(), []
        wheel = Wheel(self.clock)
        resolver = MachineResolver(self.server.reactor, [self.server.place], hosts_file=str(tmp_path / "hosts"))
        self.clusters = LiveClusters(Means(lambda: 0.0, wheel, self.clock.seconds))
        means = LookupMeans(resolver.look_up, wheel, self.clock.seconds, self.problems.append, LookupLimits(wheel))
        self.clusters.names = NamedClusters(means, self.clusters.renamed)

    def answer(self, name, *addresses):
        """Have the server answer from now on."""
        self.server.answers[name] = [a(name, address) for address in addresses]

    def use(self, cluster, *endpoints):
        """Push a cluster, and wait for its names."""
        self.clusters.use({"c": cluster}, {"c": assignment(*endpoints)})
        self.settle()

    def settle(self):
        """Wait until no lookup is under way."""
        self.server.turn_until(lambda: all(name._timer is not None for name in self.clusters.names._followed.values()))

    def refresh(self):
        """Let a minute pass."""
        self.clock.advance(61.0)
        self.settle()

    def hosts(self):
        """Give the addresses that requests are sent to."""
        return [address for address, _ in self.clusters.find("c").hosts]


@pytest.fixture(name="mesh")
def _mesh(tmp_path):
    """Give one."""
    made = Mesh(tmp_path)
    yield made
    made.clusters.close()
    made.clock.advance(90000.0)
    assert [] == made.clock.getDelayedCalls()
    made.server.close()


def test_every_address_is_an_endpoint(mesh):
    """With the weight, place and metadata of its name, which is its host name; an address is itself."""
    mesh.answer("db.test", "10.0.0.2", "10.0.0.1")
    mesh.use(STRICT, DB, Endpoint("10.0.0.9", 5432))
    expected = [attrs.evolve(DB, address=address, hostname="db.test") for address in ("10.0.0.1", "10.0.0.2")]
    assert assignment(*expected, Endpoint("10.0.0.9", 5432)) == mesh.clusters.find("c").assignment


def test_hosts_follow_the_name(mesh):
    """Those that stay keep what they have; another order changes nothing."""
    mesh.answer("db.test", "10.0.0.1", "10.0.0.2")
    mesh.use(STRICT, DB)
    stays = mesh.clusters.find("c").hosts["10.0.0.1", 5432]
    found = mesh.clusters.find("c").assignment
    mesh.answer("db.test", "10.0.0.2", "10.0.0.1")
    mesh.refresh()
    assert found is mesh.clusters.find("c").assignment or found == mesh.clusters.find("c").assignment
    mesh.answer("db.test", "10.0.0.3", "10.0.0.1")
    mesh.refresh()
    assert (["10.0.0.1", "10.0.0.3"], True) == (mesh.hosts(), stays is mesh.clusters.find("c").hosts["10.0.0.1", 5432])


def test_answers_are_gathered(mesh):
    """The first serves at once; those that follow within a second change the hosts once."""
    names = [f"n{number}.test" for number in range(40)]
    for number, name in enumerate(names):
        mesh.answer(name, f"10.0.0.{number}")
    mesh.clusters.use({"c": STRICT}, {"c": assignment(*(attrs.evolve(DB, address=name) for name in names))})
    found = mesh.clusters.find("c")
    mesh.settle()
    seen = [found.hosts]
    for _ in range(12):
        mesh.clock.advance(0.1)
        if found.hosts is not seen[-1]:
            seen.append(found.hosts)
    assert [1, 40] == [len(hosts) for hosts in seen]


@pytest.mark.parametrize(("cluster", "changes"), [(STRICT, [2]), (LOGICAL, [1, 2])])
def test_the_order_of_an_answer_matters_where_the_first_address_counts(mesh, cluster, changes):
    """Elsewhere nothing is built anew."""
    mesh.answer("db.test", "10.0.0.1", "10.0.0.2")
    mesh.use(cluster, DB)
    seen = [mesh.clusters.find("c").assignment]
    found = []
    for number, addresses in enumerate((("10.0.0.2", "10.0.0.1"), ("10.0.0.3", "10.0.0.1")), start=1):
        mesh.answer("db.test", *addresses)
        mesh.refresh()
        if mesh.clusters.find("c").assignment is not seen[-1]:
            found.append(number)
            seen.append(mesh.clusters.find("c").assignment)
    assert changes == found


def test_what_was_gathered_for_a_cluster_goes_with_it(mesh):
    """A cluster that is gone is not built anew."""
    mesh.answer("db.test", "10.0.0.1")
    mesh.use(STRICT, DB)
    mesh.answer("other.test", "10.0.0.2")
    mesh.use(STRICT, DB, Endpoint("other.test", 1))
    mesh.clusters.use({}, {})
    mesh.clock.advance(2.0)
    assert {} == mesh.clusters.live


def test_a_logical_cluster_goes_to_the_first_address_of_the_newest_answer(mesh):
    """What is in flight to the one before lives on; an answer without addresses leaves it the last one."""
    mesh.answer("db.test", "10.0.0.2", "10.0.0.1")
    mesh.use(LOGICAL, DB)
    before = mesh.clusters.find("c").choose(downstream())
    before.active += 1
    mesh.answer("db.test", "10.0.0.1", "10.0.0.2")
    mesh.refresh()
    assert (["10.0.0.1"], 1, True) == (mesh.hosts(), before.active, before.removed)
    mesh.answer("db.test")
    mesh.refresh()
    assert ["10.0.0.1"] == mesh.hosts()


def test_without_an_address_there_is_no_host(mesh):
    """Until the first answer that has one; other names of the cluster serve meanwhile."""
    mesh.server.failing = True
    mesh.use(STRICT, DB)
    assert mesh.clusters.find("c").choose(downstream()) is None
    mesh.server.failing = False
    mesh.answer("db.test", "127.0.0.1")
    mesh.clock.advance(1.2)
    mesh.settle()
    assert "127.0.0.1" == mesh.clusters.find("c").choose(downstream()).address


def test_a_push_asks_for_new_names_only(mesh):
    """A name is asked for once for all its ports and through pushes; one that is gone is asked for no more."""
    mesh.answer("db.test", "10.0.0.1")
    mesh.answer("other.test", "10.0.0.2")
    mesh.use(STRICT, DB, Endpoint("DB.test.", 5433))
    mesh.use(attrs.evolve(STRICT, connect_timeout=3.0), DB, Endpoint("other.test", 1))
    assert (["db.test", "other.test"], ["10.0.0.1", "10.0.0.2"]) == ([name for name, _ in mesh.server.asked], mesh.hosts())
    mesh.use(attrs.evolve(STRICT, type="STATIC"), Endpoint("10.0.0.4", 1))
    mesh.refresh()
    assert (2, ["10.0.0.4"]) == (len(mesh.server.asked), mesh.hosts())


def test_names_of_one_address_make_one_endpoint(mesh):
    """The first of them."""
    mesh.answer("db.test", "10.0.0.1")
    mesh.answer("alias.test", "10.0.0.1")
    mesh.use(STRICT, DB, attrs.evolve(DB, address="alias.test", hostname="given"))
    assert ["db.test"] == [endpoint.hostname for place in mesh.clusters.find("c").assignment.localities for endpoint in place.endpoints]


def test_what_is_no_name_is_not_asked_for():
    """Addresses, and texts that no name can be."""
    ours = assignment(DB, Endpoint("10.0.0.1", 1), Endpoint("fd00::1", 1), Endpoint("unix:///x", 1), Endpoint("x" * 64 + ".test", 1))
    assert ["db.test"] == [question.name for question in questions_of(STRICT, ours)]


def test_clusters_know_no_names_without_somebody_who_follows_them():
    """They have no hosts then."""
    clock = Clock()
    clusters = LiveClusters(Means(lambda: 0.0, Wheel(clock), clock.seconds))
    clusters.use({"c": STRICT}, {"c": assignment(DB)})
    assert {} == clusters.find("c").hosts


def test_tells_what_names_stand_for(mesh):
    """Sorted; what was last known where there is none now."""
    mesh.answer("db.test", "10.0.0.2", "10.0.0.1")
    mesh.use(STRICT, DB, Endpoint("10.0.0.9", 80), Endpoint("none.test", 80))
    assert {"db.test": ["10.0.0.1", "10.0.0.2"], "none.test": []} == mesh.clusters.names.addresses()
    mesh.answer("db.test")
    mesh.refresh()
    assert ["10.0.0.1", "10.0.0.2"] == mesh.clusters.names.addresses()["db.test"]

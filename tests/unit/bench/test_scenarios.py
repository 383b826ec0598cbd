"""The registry of scenarios fits the bench: figures exist, contenders are there, and what both proxies serve is what was meant."""

import pytest

from meshd.compile.compiler import CompileSettings, compile_snapshot
from meshd.explain.call import Call
from meshd.explain.interpreter import explain
from meshd.model.node import Node
from meshd.model.world import World
from meshd.snapshot.envoy_bootstrap import bootstrap
from meshd.snapshot.envoy_reading import read_envoy
from meshd.sources.directory import load_directory
from tests.bench.dns import table_names
from tests.bench.figures import FIGURES
from tests.bench.hosts import SECOND_SERVER, SERVICE
from tests.bench.many_services import address_of, service
from tests.bench.scenarios.dns import MESHD
from tests.bench.scenarios.many_routes import HIT, HOSTS, ROUTES, add_routes
from tests.bench.scenarios.registry import SCENARIOS
from tests.bench.world import bench_world, web_endpoint


@pytest.mark.parametrize("key", SCENARIOS)
def test_scenarios_are_whole(key):
    """Targets name figures and contenders that are there; names are told apart; who does less is somebody."""
    scenario = SCENARIOS[key]
    names = [contender.name for contender in scenario.contenders]
    cases = [case.name for case in scenario.cases]
    assert (len(set(names)), len(set(cases))) == (len(names), len(cases))
    assert "meshd" in names
    assert set(scenario.remarks) <= set(names)
    for case in scenario.cases:
        assert all(target.figure in FIGURES and target.to in (*names, "") for target in case.targets)


def compiled(folder, *texts):
    """Compile documents; returns the snapshot and what is wrong."""
    for number, text in enumerate(texts):
        folder.joinpath(f"{number}.yaml").write_text(text)
    draft = load_directory(str(folder))
    world = World().changed(draft.resources)
    made = compile_snapshot(world, world.all(Node)[0], CompileSettings())
    return made.snapshot, [*draft.problems, *made.problems]


@pytest.mark.parametrize(("server", "count"), [(SECOND_SERVER, 2), ("", 1)])
def test_the_second_endpoint_comes_and_goes(tmp_path, server, count):
    """What flaps is an endpoint of the web service beside one that stays."""
    snapshot, problems = compiled(tmp_path, bench_world("10.77.0.10"), web_endpoint("my-nginx-2", server))
    (name,) = [name for name in snapshot.endpoints if "my-nginx" in name]
    assert ([], count) == (problems, sum(len(locality.endpoints) for locality in snapshot.endpoints[name].localities))


def test_services_by_the_thousand_are_sound(tmp_path):
    """Each has its address, cluster and ten endpoints; a replaced endpoint changes nothing else."""
    snapshot, problems = compiled(tmp_path, bench_world("10.77.0.10"), "---\n".join(service(number) for number in (0, 249, 250, 9999)))
    assert ([], 4) == (problems, sum("svc-" in name for name in snapshot.clusters))
    different = [(old, new) for old, new in zip(service(7).split(), service(7, replaced=1).split(), strict=True) if old != new]
    assert 1 == len(different)


@pytest.mark.parametrize(("headers", "route"), [(HIT, f"route-{ROUTES - 1}"), (("x-user: user-3-a", "x-stage: stage-3"), "route-3"), ((), "")])
def test_the_last_of_many_routes_is_hit(tmp_path, headers, route):
    """As both proxies read the file: only the last route wants the headers that are sent, and virtual hosts are as many as were meant."""
    snapshot, _ = compiled(tmp_path, bench_world("10.77.0.10"))
    written = bootstrap(snapshot)
    add_routes(written)
    found = read_envoy(written, "envoy.json").snapshot
    pairs = tuple((name, value) for name, value in (header.split(": ") for header in headers))
    answer = explain(found, Call(address=SERVICE, port=80, authority=SERVICE, headers=pairs))
    assert route == answer.route.strip("-")
    managers = [chain.filter for listener in found.listeners.values() for chain in listener.filter_chains if "route-0" in str(chain.filter)]
    assert [HOSTS + 1] == [len(manager.route_config.virtual_hosts) for manager in managers]  # the last is for all other hosts


def test_names_are_those_of_the_services(tmp_path):
    """meshd's table has what dnsmasq's hosts file says."""
    snapshot, problems = compiled(tmp_path, bench_world("10.77.0.10", node=MESHD.node) + MESHD.more)
    assert [] == problems
    asked = {name: address_of(number) for number, name in enumerate(table_names())}
    assert asked == {name: snapshot.hosts[name].addresses[0] for name in asked}

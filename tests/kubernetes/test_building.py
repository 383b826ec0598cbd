"""How the Kubernetes of the tests is built: with which Go, once, and whole or not at all."""

import subprocess
import threading

import pytest

from tests.kubernetes.building import binary, build, find_go, version


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Give a function that puts a program of that name, a shell script, on an otherwise small PATH; the cache is empty."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "bin").mkdir()

    def put(name, script):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return str(program)

    return put


@pytest.mark.parametrize(("told", "good"), [
    ("go version go1.26.8 linux/amd64", True), ("go version go1.27 linux/amd64", True), ("go version go2.0 linux/amd64", True),
    ("go version go1.19.8 linux/amd64", False), ("go version go1.9 linux/amd64", False), ("nonsense", False),
])
def test_takes_the_machines_go_if_it_is_new_enough(machine, told, good):
    """As go.mod asks."""
    program = machine("go", f"echo {told}")
    assert (program if good else "") == find_go()


def test_takes_no_go_where_there_is_none(machine):
    """Then one is fetched."""
    assert "" == find_go()


def test_builds_once(machine, tmp_path):
    """Two that want it at once get the same, built by one; so does who comes later."""
    machine("go", f'case $1 in version) echo go version go1.26.0;; build) echo built >> {tmp_path}/count; sleep 0.2; echo "$@" > kube;; esac')
    others = [threading.Thread(target=build) for _ in range(3)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert binary() == build()
    assert f"gitVersion=v{version()}" in binary().read_text()
    assert "built\n" == (tmp_path / "count").read_text()


def test_a_broken_build_leaves_nothing(machine):
    """The next one begins anew."""
    machine("go", "case $1 in version) echo go version go1.26.0;; build) echo half > kube; exit 1;; esac")
    with pytest.raises(subprocess.CalledProcessError):
        build()
    assert ["lock"] == [path.name for path in binary().parent.iterdir()]

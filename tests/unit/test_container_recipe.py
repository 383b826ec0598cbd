"""The container recipe keeps to the checkout and to what is injected; it is read here, since tests have nothing that builds images."""

import json
import re
import shlex

from meshd.capture.backend import DEBIAN_PACKAGES
from meshd.inject.containers import init_container, sidecar_container
from meshd.inject.settings import USER
from tests.helpers.pods import SETTINGS
from tests.helpers.source_tree import ROOT
from tests.unit.inject.test_wishes import DEFAULT

RECIPE = (ROOT / "packaging" / "container" / "Containerfile").read_text()
LINES = [line for line in RECIPE.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
LAST = LINES[max(index for index, line in enumerate(LINES) if line.startswith("FROM ")) :]


def values(word, lines=LINES):
    """Give what stands behind an instruction, each time."""
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{word} ")]


def test_what_is_copied_is_there():
    """Every file of the checkout that it names, and every one that an installation needs."""
    copied = [name for found in values("COPY") if not found.startswith("--from") for name in shlex.split(found)[:-1]]
    assert [] == [name for name in copied if not (ROOT / name).exists()]
    assert {"meshd", "twisted", "setup.py", "setup.cfg", "pyproject.toml", "requirements.txt", "requirements-build.txt"} <= set(copied)


def test_nobody_runs_as_root():
    """The user is the sidecar's, by number, so that Kubernetes can tell; directories are its own."""
    assert [f"{USER}:{USER}"] == values("USER", LAST)
    [run] = values("RUN", LAST)
    assert f"useradd --uid {USER} --gid {USER} " in run and f"groupadd --gid {USER} meshd" in run
    directories = re.search(rf"install -d -o {USER} -g {USER} -m 750 (.+)", run).group(1).split()
    writable = [mount["mountPath"] for mount in sidecar_container(DEFAULT, SETTINGS)["volumeMounts"] if not mount.get("readOnly")]
    assert sorted(writable) == sorted(directories)


def test_what_pods_run_is_in_it():
    """Programs of the virtual environment stand first on the path; capture finds its own, and Python is Debian's."""
    [path] = [text for text in values("ENV", LAST) if text.startswith("PATH=")]
    assert path.startswith("PATH=/opt/meshd/bin:")
    [run] = values("RUN", LAST)
    packages = run.partition("--no-install-recommends ")[2].partition(" && ")[0].split()
    assert {"python3", "iptables", *DEBIAN_PACKAGES.values()} == set(packages)
    sidecar = sidecar_container(DEFAULT, SETTINGS)
    assert [json.loads(found) for found in values("ENTRYPOINT", LAST)] == [[*sidecar["command"], *sidecar["args"][:3]]]
    assert ["meshctl"] == init_container(DEFAULT, SETTINGS)["command"]


def test_the_same_debian_builds_and_runs():
    """Compiled modules fit one Python."""
    images = {found.split()[0] for found in values("FROM")}
    assert {"docker.io/library/debian:12-slim"} == images


def test_everything_is_pinned():
    """Nothing comes from an index unless its hash is known."""
    fetched = [found for found in values("RUN") if "-r requirements" in found]
    assert [2] == [found.count("--require-hashes") for found in fetched]
    installed = [part for found in values("RUN") for part in found.split("&&") if "/pip" in part and " install " in part]
    assert [True] * 3 == ["--no-deps" in part for part in installed]

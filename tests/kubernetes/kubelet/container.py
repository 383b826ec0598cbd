"""One container of a pod: its process, its log, its probes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import attrs

from tests.helpers.source_tree import ROOT
from tests.kubernetes.kubelet.environment import Facts, Json, environment_of, expanded
from tests.kubernetes.kubelet.images import PATH, command_of
from tests.kubernetes.kubelet.probes import Probe

HOOK_SECONDS = 60.0  # for postStart and preStop


@attrs.frozen
class Place:
    """
    Where the containers of a pod run.

    Attributes:
        network: Name of the pod's network namespace.
        hostname: The pod's name.
        folder: Of the pod, for its files.
        volumes: Folders by the names of volumes.
        files: Of the machine, at their places in every container.
    """

    network: str
    hostname: str
    folder: Path
    volumes: Mapping[str, Path]
    files: Mapping[str, Path]


class Container:
    """
    A container, which may be started again after it ended.

    Attributes:
        name: Within its pod.
        stays: It is to run as long as the pod: all but init containers that have no `restartPolicy: Always`.
        log: What it printed, of all its lives.
        restarts: How often it was started anew.
        startup, readiness: What its probes say.
    """

    def __init__(self, wanted: Json, place: Place, facts: Facts, stays: bool) -> None:
        """Take what the pod says; nothing runs yet."""
        self.wanted = wanted
        self.name = str(wanted["name"])
        self.stays = stays
        self.log = place.folder / f"{self.name}.log"
        self.restarts = -1
        self._place = place
        self._environment = {"PATH": PATH, "HOME": "/root", "HOSTNAME": place.hostname, **environment_of(wanted, facts)}
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: threading.Thread | None = None
        self._since = self._until = ""
        self._address = str(facts.pod["status"]["podIP"])
        self._probe()

    def start(self) -> None:
        """Start it, and return when its `postStart` is done."""
        self.restarts += 1
        self._since = _now()
        self._probe()
        reading, writing = os.pipe()
        user, group = self._ids()
        os.fchown(writing, user, group)  # so that it can open /dev/stdout
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kubernetes.kubelet.launcher"], stdin=subprocess.PIPE, stdout=writing, stderr=writing, cwd=ROOT,
        )
        os.close(writing)
        self._keeper = threading.Thread(target=_keep, args=(reading, self.log), daemon=True)
        self._keeper.start()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(self._wanted_of_launcher()).encode())
        self._process.stdin.close()
        self._hook("postStart")

    def look(self) -> None:
        """See whether it still runs, and probe it."""
        if self.status() is None:
            self.startup.look(self._address)
            if self.startup.passing:
                self.readiness.look(self._address)

    def status(self) -> int | None:
        """Give its exit status; None while it runs."""
        assert self._process is not None
        status = self._process.poll()
        if status is not None and not self._until:
            self._until = _now()
        return status

    def has_said_all(self) -> bool:
        """Tell whether it has ended and everything that it printed is in its log."""
        return self.status() is not None and (self._keeper is None or not self._keeper.is_alive())

    @property
    def ready(self) -> bool:
        """Whether it counts as ready."""
        return self._process is not None and self.status() is None and self.startup.passing and self.readiness.passing

    def stop(self, grace: float) -> None:
        """Let it end: `preStop`, SIGTERM, and after `grace` seconds in all SIGKILL."""
        deadline = time.monotonic() + grace
        process = self._process
        if process is None or process.poll() is not None:
            return
        self._hook("preStop", grace)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def run(self, command: Sequence[str], seconds: float) -> int:
        """Run a command in it, and give its exit status; 124 if it takes longer than `seconds`, 126 if the container has ended."""
        try:
            with self.log.open("ab") as output:
                entering, nothing = self.entering(command), subprocess.DEVNULL
                ran = subprocess.run(entering, env=self._environment, stdin=nothing, stdout=output, stderr=output, timeout=seconds, check=False)
                return ran.returncode
        except subprocess.TimeoutExpired:
            return 124
        except ProcessLookupError:
            return 126

    def execute(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        """Start a command in it, its streams as pipes."""
        pipe = subprocess.PIPE
        return subprocess.Popen(self.entering(command), env=self._environment, stdin=pipe, stdout=pipe, stderr=pipe)

    def entering(self, command: Sequence[str]) -> list[str]:
        """Give the command that runs another one in it."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        first = children.read_text().split() if children.exists() else []
        if not first:
            raise ProcessLookupError(f"{self.name} does not run")
        return ["nsenter", f"--target={first[0]}", "--net", "--mount", "--pid", "--uts", "--", *self._becoming(), *command]

    def shown(self) -> Json:
        """Give its entry of `containerStatuses`."""
        found = {"name": self.name, "image": self.wanted["image"], "imageID": "", "ready": self.ready, "restartCount": max(self.restarts, 0)}
        if self._process is None:
            return {**found, "started": False, "state": {"waiting": {"reason": "PodInitializing"}}}
        status = self.status()
        if status is None:
            return {**found, "started": self.startup.passing, "state": {"running": {"startedAt": self._since}}}
        ended = {"exitCode": status, "reason": "Completed" if status == 0 else "Error", "startedAt": self._since, "finishedAt": self._until}
        return {**found, "ready": not self.stays and status == 0, "started": False, "state": {"terminated": ended}}

    def _probe(self) -> None:
        ports = {port["name"]: port["containerPort"] for port in self.wanted.get("ports", ()) if "name" in port}
        probes = {name: self.wanted.get(name) for name in ("startupProbe", "readinessProbe")}
        self.startup = Probe(probes["startupProbe"], probes["startupProbe"] is None, ports, self.run)
        self.readiness = Probe(probes["readinessProbe"], probes["readinessProbe"] is None, ports, self.run)
        self._until = ""

    def _hook(self, name: str, seconds: float = HOOK_SECONDS) -> None:
        hook = self.wanted.get("lifecycle", {}).get(name, {})
        if "exec" in hook:
            self.run(hook["exec"]["command"], seconds)
        elif "sleep" in hook:
            time.sleep(min(float(hook["sleep"]["seconds"]), seconds))  # reason: that is the hook

    def _wanted_of_launcher(self) -> Json:
        mounts = [[str(file), place, False] for place, file in self._place.files.items()]
        for mount in self.wanted.get("volumeMounts", ()):
            mounts.append([str(self._place.volumes[mount["name"]] / mount.get("subPath", "")), mount["mountPath"], mount.get("readOnly", False)])
        words = [*self.wanted.get("command", ()), *self.wanted.get("args", ())]
        command = expanded(words, self._environment) or command_of(self.wanted["image"], self._place.folder / f"{self.name}-{self.restarts}")
        return {
            "network": self._place.network, "hostname": self._place.hostname, "mounts": mounts, "environment": self._environment,
            "read_only": self._security().get("readOnlyRootFilesystem", False), "folder": self.wanted.get("workingDir", "/"),
            "command": [*self._becoming(), *command],
        }

    def _becoming(self) -> list[str]:
        """Give the command that takes the container's user and rights, to stand before another one."""
        security = self._security()
        capabilities = security.get("capabilities", {})
        user, group = self._ids()
        options = [f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        if "ALL" in capabilities.get("drop", ()):
            kept = "".join(f",+{name.removeprefix('CAP_').lower()}" for name in capabilities.get("add", ()))
            options += [f"--bounding-set=-all{kept}", f"--inh-caps=-all{kept}"]
        if security.get("allowPrivilegeEscalation") is False:
            options.append("--no-new-privs")
        return ["setpriv", *options, "--"]

    def _ids(self) -> tuple[int, int]:
        security = self._security()
        return int(security.get("runAsUser", 0)), int(security.get("runAsGroup", 0))

    def _security(self) -> Json:
        return dict(self.wanted.get("securityContext", {}))


def _keep(reading: int, log: Path) -> None:
    with open(reading, "rb", buffering=0) as source, log.open("ab", buffering=0) as kept:
        while piece := source.read(65536):
            kept.write(piece)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")



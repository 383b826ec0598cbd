"""The command line of `twistd meshd`, and the directories it names."""

import os
from pathlib import Path

import attrs
from twisted.python import usage

MAX_SOCKET_PATH = 107  # bytes: sun_path of struct sockaddr_un, less the final NUL
MAX_WORKERS = 256


@attrs.frozen
class Places:
    """Where meshd reads and writes; absolute."""

    config_dir: Path
    run_dir: Path
    state_dir: Path
    log_dir: Path

    @property
    def control_socket(self) -> Path:
        """Where workers connect."""
        return self.run_dir / "control.sock"

    @property
    def admin_socket(self) -> Path:
        """Where meshctl connects."""
        return self.run_dir / "admin.sock"


class Options(usage.Options):
    """Options of `twistd meshd`; those before the word meshd are twistd's own."""

    synopsis = "[options]"
    longdesc = "Runs meshd, configured by the YAML files below the configuration directory. SIGHUP reads them again, SIGUSR1 reopens logs."
    optParameters = [  # noqa: RUF012 reason: as Twisted asks for it
        ["config-dir", "c", "/etc/meshd", "Directory of the configuration."],
        ["run-dir", None, "/run/meshd", "Directory of the sockets; each meshd on a machine needs its own."],
        ["state-dir", None, "/var/lib/meshd", "Directory of what outlives a restart."],
        ["log-dir", None, "/var/log/meshd", "Directory of the access log; becomes the workers' own."],
        ["node", None, "", "Name or address of the Node that this machine is; found out without it."],
        ["snapshot", None, "", "Serve what `meshctl compile -o envoy` exported, instead of a configuration."],
        ["workers", "w", 0, "Number of data-plane processes; 0: as the Node says, else one per core.", int],
    ]

    def postOptions(self) -> None:
        """Refuse what cannot work, before anything is done."""
        if self["snapshot"]:
            raise usage.UsageError("--snapshot is not there yet; export with `meshctl compile -o envoy` and run Envoy, or use --config-dir")
        if not 0 <= self["workers"] <= MAX_WORKERS:
            raise usage.UsageError(f"--workers: expected 0 to {MAX_WORKERS}, got {self['workers']}")
        longest = len(os.fsencode(str(self.places().control_socket)))
        if longest > MAX_SOCKET_PATH:
            raise usage.UsageError(f"--run-dir: its sockets' paths may have {MAX_SOCKET_PATH} bytes, control.sock would have {longest}")

    def places(self) -> Places:
        """Give the directories, absolute, since twistd changes the working directory."""
        return Places(*(Path(os.path.abspath(self[name])) for name in ("config-dir", "run-dir", "state-dir", "log-dir")))

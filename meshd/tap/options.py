"""The command line of `twistd meshd`, and the directories it names."""

import os
import secrets
import tempfile
from pathlib import Path
from typing import Any

import attrs
from twisted.python import usage

from meshd.base.places import ADMIN_SOCKET, CONFIG_DIR, CONTROL_SOCKET, LOG_DIR, RUN_DIR, STATE_DIR, TOKEN_BUCKETS
from meshd.model.node_reading import MAX_WORKERS

TWISTD_PIDFILE = "twistd.pid"  # the default of its --pidfile
MAX_SOCKET_PATH = 107  # bytes: sun_path of struct sockaddr_un, less the final NUL
_DIRECTORIES = {"config-dir": CONFIG_DIR, "run-dir": RUN_DIR, "state-dir": STATE_DIR, "log-dir": LOG_DIR}


@attrs.frozen
class Places:
    """
    Where meshd reads and writes; absolute.

    Attributes:
        config_dir / run_dir / state_dir / log_dir: Directories; see `Options`.
        temporary: Holds those of them that were not given, and is removed in the end; None: nothing is temporary.
    """

    config_dir: Path
    run_dir: Path
    state_dir: Path
    log_dir: Path
    temporary: Path | None = None

    @property
    def control_socket(self) -> Path:
        """Where workers connect."""
        return self.run_dir / CONTROL_SOCKET

    @property
    def token_buckets(self) -> Path:
        """What workers share of rate limits."""
        return self.run_dir / TOKEN_BUCKETS

    @property
    def admin_socket(self) -> Path:
        """Where meshctl connects."""
        return self.run_dir / ADMIN_SOCKET


class Options(usage.Options):
    """Options of `twistd meshd`; those before the word meshd are twistd's own."""

    _temporary: Path | None = None

    synopsis = "[options]"
    longdesc = "Runs meshd, configured by the YAML files below the configuration directory. SIGHUP reads them again, SIGUSR1 reopens logs."
    optParameters = [  # noqa: RUF012 reason: as Twisted asks for it
        ["config-dir", "c", None, f"Directory of the configuration. [default: {CONFIG_DIR}]"],
        ["run-dir", None, None, f"Directory of the sockets; each meshd on a machine needs its own. [default: {RUN_DIR}]"],
        ["state-dir", None, None, f"Directory of what outlives a restart. [default: {STATE_DIR}]"],
        ["log-dir", None, None, f"Directory of the access log; becomes the workers' own. [default: {LOG_DIR}]"],
        ["node", None, None, "Name or address of the Node that this machine is; found out without it."],
        ["snapshot", None, None, "Serve what `meshctl compile -o envoy` exported, or any Envoy's static bootstrap (JSON or YAML), instead of a "
                               "configuration: without capture and privileges, in directories that are temporary unless they are given."],
        ["workers", "w", 0, "Number of data-plane processes; 0: as the Node says, else one per core.", int],
    ]

    def postOptions(self) -> None:
        """Refuse what cannot work, before anything is done."""
        self._need_no_pidfile()
        self["node"] = self["node"] or ""
        if self["snapshot"]:
            for name in ("config-dir", "node"):
                if self[name]:
                    raise usage.UsageError(f"--{name} says what --snapshot takes the place of: give one of them")
            self._temporary = Path(tempfile.gettempdir()) / f"meshd-{secrets.token_hex(4)}"
        if not 0 <= self["workers"] <= MAX_WORKERS:
            raise usage.UsageError(f"--workers: expected 0 to {MAX_WORKERS}, got {self['workers']}")
        longest = len(os.fsencode(str(self.places().control_socket)))
        if longest > MAX_SOCKET_PATH:
            raise usage.UsageError(f"--run-dir: its sockets' paths may have {MAX_SOCKET_PATH} bytes, {CONTROL_SOCKET} would have {longest}")

    def places(self) -> Places:
        """Give the directories, absolute, since twistd changes the working directory."""
        config, run, state, log = (Path(os.path.abspath(self[name] or self._default(name))) for name in _DIRECTORIES)
        return Places(config, run, state, log, self._temporary)

    def _need_no_pidfile(self) -> None:
        """
        Switch off twistd's default PID file in the foreground.

        Run directories are locked; a file that a crash left behind would keep meshd from starting once its number is another process's,
        which in a container it always is.
        """
        parent: Any = self.parent
        if parent is not None and parent.get("nodaemon") and parent.get("pidfile") == TWISTD_PIDFILE:
            parent["pidfile"] = ""

    def _default(self, name: str) -> str:
        return str(self._temporary / name.removesuffix("-dir")) if self._temporary else _DIRECTORIES[name]

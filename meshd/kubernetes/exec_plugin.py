"""Runs programs that give credentials (client.authentication.k8s.io), for a bounded time and with a bounded answer."""

import json
import os
from base64 import b64encode
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall, IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from meshd.base.texts import printable
from meshd.kubernetes.connection import Connection, CredentialsError, ExecPlugin

LONGEST_RUN: Final = 60.0
"""Seconds; programs that ask a cloud for credentials take a few."""
LINGERING: Final = 1.0
"""Seconds that children of a program, which has ended itself, may hold its output open."""
MOST_OUTPUT: Final = 1024 * 1024
"""Bytes; a token and a certificate have a few thousand."""
MOST_SAID: Final = 200
"""Characters that are quoted of what a program says of its failure."""
MOST_WORD: Final = 40
"""Characters of a word that is quoted; longer ones could be tokens."""


@attrs.frozen
class Login:
    """
    What a request shows to the server.

    Attributes:
        token: Sent in the Authorization header.
        certificate: Chain, PEM.
        key: Of the certificate, PEM.
        expires: Wall time after which it is of no use; None: it does not say.
    """

    token: str = attrs.field(default="", repr=False)
    certificate: str = attrs.field(default="", repr=False)
    key: str = attrs.field(default="", repr=False)
    expires: float | None = None


def run_plugin(plugin: ExecPlugin, connection: Connection, reactor: Any) -> Deferred[Login]:
    """
    Run a program, and read what it gives.

    Args:
        plugin: The program.
        connection: What it is told of, where it is.
        reactor: Runs processes, and has a clock.

    Returns:
        Fails with CredentialsError; cancelling it kills the program.
    """
    environment = {**os.environ, **dict(plugin.environment), "KUBERNETES_EXEC_INFO": json.dumps(_told(plugin, connection))}
    run = _Run(plugin, reactor)
    try:
        IReactorProcess(reactor).spawnProcess(run, _find_program(plugin.command), [plugin.command, *plugin.arguments], environment)
    except (OSError, ValueError) as error:
        run.fail(f"cannot be run: {getattr(error, 'strerror', None) or 'there is a NUL character in it'}", plugin.hint)
    return run.done


def _find_program(command: str) -> str:
    """Give the path of a program, which must be there: a child that cannot be executed would tell nobody."""
    folders = [""] if "/" in command else os.environ.get("PATH", os.defpath).split(":")
    for folder in folders:
        path = os.path.join(folder, command)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError(2, "expected a program that can be executed, found none")


def _told(plugin: ExecPlugin, connection: Connection) -> dict[str, object]:
    spec: dict[str, object] = {"interactive": False}
    if plugin.told_cluster:
        cluster: dict[str, object] = {"server": connection.server, "config": json.loads(plugin.cluster_config or "null")}
        if connection.tls_server_name:
            cluster["tls-server-name"] = connection.tls_server_name
        if not connection.verify:
            cluster["insecure-skip-tls-verify"] = True
        if connection.authority is not None:
            cluster["certificate-authority-data"] = b64encode(connection.authority.read().encode()).decode()
        spec["cluster"] = cluster
    return {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}


class _Run(ProcessProtocol):
    """One run of a program."""

    def __init__(self, plugin: ExecPlugin, reactor: Any) -> None:
        self.done: Deferred[Login] = Deferred(lambda _done: self._end())
        self._plugin = plugin
        self._output = bytearray()
        self._said = bytearray()
        self._clock = IReactorTime(reactor)
        self._timer: IDelayedCall | None = self._clock.callLater(LONGEST_RUN, self._too_long)

    def connectionMade(self) -> None:
        """Have nothing to say to it."""
        assert self.transport is not None  # reason: that is what being connected means
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """Take what it gives."""
        self._output += data
        if len(self._output) > MOST_OUTPUT:
            self.fail(f"expected at most {MOST_OUTPUT} bytes on its standard output, got more")

    def errReceived(self, data: bytes) -> None:
        """Take what it says; the last of it counts."""
        self._said = (self._said + data)[-2 * MOST_SAID:]

    def processExited(self, reason: Failure) -> None:
        """Wait no longer for its pipes, which children of its own could hold open."""
        if self._timer is not None and self.transport is not None:
            self._timer.cancel()
            self._timer = self._clock.callLater(LINGERING, self.transport.loseConnection)

    def processEnded(self, reason: Failure) -> None:
        """Read what it has given."""
        if self._timer is None:
            return
        if not reason.check(ProcessDone):
            code = getattr(reason.value, "exitCode", None)
            how = f"exit status {code}" if code is not None else f"signal {getattr(reason.value, 'signal', None)}"
            said = _quotable(bytes(self._said).decode("utf-8", "replace"))
            self.fail(f"ended with {how}{f', saying: {said}' if said else ''}", self._plugin.hint)
            return
        try:
            login = read_login(bytes(self._output), self._plugin.api_version)
        except ValueError as error:
            self.fail(str(error))
            return
        self._end()
        self.done.callback(login)

    def fail(self, said: str, hint: str = "") -> None:
        """Tell what is wrong, once, and end it."""
        if self._timer is not None:
            self._end()
            text = f"the credential program {printable(self._plugin.command)}: {said}"
            self.done.errback(CredentialsError(f"{text}; {printable(hint)}" if hint else text))

    def _too_long(self) -> None:
        self.fail(f"expected an answer within {LONGEST_RUN:g} s, got none")

    def _end(self) -> None:
        """Forget the timer, and kill what still runs."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self.transport is not None:
            with suppress(ProcessExitedAlready):
                self.transport.signalProcess("KILL")
            self.transport.loseConnection()


def _quotable(text: str) -> str:
    """Give the last line of what a program said, without words that could be secret."""
    lines = text.strip().splitlines()
    words = [word if len(word) <= MOST_WORD else "..." for word in lines[-1].split()] if lines else []
    return printable(" ".join(words))[-MOST_SAID:]


def read_login(content: bytes, api_version: str) -> Login:
    """
    Read what a program has given: an ExecCredential.

    Raises:
        ValueError: If it is none; nothing of it is quoted.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("expected an ExecCredential as JSON on its standard output, got something else") from None
    if not isinstance(found, dict) or found.get("kind") != "ExecCredential" or not isinstance(found.get("status"), dict):
        raise ValueError("expected an ExecCredential with a status on its standard output, got other JSON")
    if found.get("apiVersion") != api_version:
        raise ValueError(f"expected an ExecCredential of {api_version}, got another version; write the apiVersion that it speaks into the kubeconfig")
    status = found["status"]
    token, certificate, key = (_text(status, name) for name in ("token", "clientCertificateData", "clientKeyData"))
    if not token and not certificate:
        raise ValueError("expected status.token or status.clientCertificateData, got neither")
    if bool(certificate) != bool(key):
        raise ValueError("expected status.clientCertificateData and status.clientKeyData, got one of them")
    if not (token.isascii() and (token.isprintable() or not token)):
        raise ValueError("expected status.token to be letters, digits and signs of ASCII on one line, got something else")
    return Login(token, certificate, key, _read_time(_text(status, "expirationTimestamp")))


def _text(status: dict[str, object], name: str) -> str:
    value = status.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"expected status.{name} to be text, got something else")
    return value or ""


def _read_time(text: str) -> float | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("expected status.expirationTimestamp to be a time such as 2026-11-28T12:00:00Z, got something else") from None
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()

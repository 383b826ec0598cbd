"""Who we are to the server at this moment: tokens and certificates that are written anew, expire, or come from a program."""

import time
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from meshd.kubernetes.connection import Connection, CredentialsError, User, read_file
from meshd.kubernetes.exec_plugin import Login, run_plugin

LOOK_AGAIN: Final = 60.0
"""Seconds for which a file is good; the kubelet writes tokens anew when a fifth of their time is left (client-go: one minute)."""
LEEWAY: Final = 10.0
"""Seconds before the end of what expires at which it is asked for anew."""


class Credentials:
    """
    Gives what a request shows to the server, read and asked for as seldom as possible.

    Args:
        connection: Whose.
        reactor: Has a clock and, for programs, runs processes.
        now: Wall time, which expiry is told in.
    """

    def __init__(self, connection: Connection, reactor: Any, now: Callable[[], float] = time.time) -> None:
        self._connection = connection
        self._reactor = reactor
        self._clock = IReactorTime(reactor)
        self._now = now
        self._kept: Login | None = None
        self._read_at = 0.0
        self._running: Deferred[Login] | None = None
        self._waiting: list[Deferred[Login]] = []

    def get(self) -> Deferred[Login]:
        """Give them; the Deferred fails with CredentialsError."""
        waiter: Deferred[Login] = Deferred(self._forget)
        if self._kept is not None and self._is_good(self._kept):
            waiter.callback(self._kept)
            return waiter
        user = self._connection.user
        if user.plugin is None or user.token or user.token_file:
            try:
                self._kept, self._read_at = read_user(user), self._clock.seconds()
                waiter.callback(self._kept)
            except CredentialsError as error:
                waiter.errback(error)
            return waiter
        self._waiting.append(waiter)
        if self._running is None:
            self._running = run_plugin(user.plugin, self._connection, self._reactor)
            self._running.addBoth(self._told)
        return waiter

    def refused(self, login: Login) -> None:
        """Be told that the server did not take them: they are read or asked for anew, unless that was done since."""
        if self._kept is login:
            self._kept = None

    def look_again(self) -> None:
        """Read files anew before the next request."""
        self._read_at = -LOOK_AGAIN

    def close(self) -> None:
        """End the program that runs, if one does."""
        if self._running is not None:
            self._running.cancel()

    def _forget(self, waiter: Deferred[Login]) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def _is_good(self, login: Login) -> bool:
        if login.expires is not None:
            return self._now() < login.expires - LEEWAY
        user = self._connection.user
        changes = user.token_file or any(pem is not None and not pem.text for pem in (user.certificate, user.key))
        return not changes or self._clock.seconds() - self._read_at < LOOK_AGAIN

    def _told(self, result: Login | Failure) -> None:
        self._running = None
        waiting, self._waiting = self._waiting, []
        if isinstance(result, Failure):
            said = result.value if isinstance(result.value, CredentialsError) else CredentialsError("the credential program was ended")
            for waiter in waiting:
                waiter.errback(said)
            return
        self._kept = result
        self._read_at = self._clock.seconds()
        for waiter in waiting:
            waiter.callback(self._kept)


def read_user(user: User) -> Login:
    """
    Give what stands in a kubeconfig or in the files that it names.

    Raises:
        CredentialsError: If a file cannot be read.
    """
    token = user.token
    if user.token_file:
        token = read_file(user.token_file).strip()
        if not (token.isascii() and token.isprintable() and token):
            raise CredentialsError(f"{user.token_file}: expected a token of letters, digits and signs of ASCII on one line, found something else")
    return Login(token, user.certificate.read() if user.certificate else "", user.key.read() if user.key else "")

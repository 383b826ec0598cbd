"""Asks an API server: JSON in, JSON out, bounded in time and size, and with lines that are handed over as they come."""

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure
from twisted.web.iweb import IResponse

from meshd import __version__
from meshd.kubernetes.agent import PlainAgent, cut
from meshd.kubernetes.answers import (
    NETWORK_FAULTS,
    ApiError,
    Json,
    NoAnswerError,
    bounded_wait,
    explain_fault,
    is_cancelled,
    parse_object,
    phrase_of,
    read_status,
)
from meshd.kubernetes.bodies import Content, read_lines, read_whole
from meshd.kubernetes.connection import Connection, CredentialsError
from meshd.kubernetes.credentials import LOOK_AGAIN, Credentials
from meshd.kubernetes.exec_plugin import Login
from meshd.kubernetes.tls import ClientTls, build_tls

__all__ = ["ApiError", "Json", "KubernetesClient", "NoAnswerError", "parse_object", "read_status"]

TIMEOUT: Final = 30.0
"""Seconds for one try of a request, from connecting to the answer's last byte."""
MOST_ANSWER: Final = 64 * 1024 * 1024
"""Bytes of an answer; lists that may be longer are asked for in pages."""
MOST_REFUSAL: Final = 64 * 1024
"""Bytes of an answer that says no."""

Query = Mapping[str, str]
T = TypeVar("T")


@attrs.define(eq=False, repr=False)
class _Channel:
    """Connections that are made alike: with the same roots, and the same certificate of ours."""

    made_from: tuple[str, str, str]
    http: HTTPClient
    agent: PlainAgent
    tls: ClientTls | None


def _name_timeout(result: T | Failure, _seconds: float) -> T:
    """Say of what was cancelled, since it took too long, just that; of what has ended otherwise at the last moment nothing."""
    if isinstance(result, Failure):
        if isinstance(result.value, BaseException) and is_cancelled(result.value):
            raise TimeoutError
        result.raiseException()
    return result


class KubernetesClient:
    """
    Asks one API server.

    Every Deferred fails with ApiError where the server says no, with NoAnswerError where nothing usable comes, with CredentialsError
    where there are none to show, or with CancelledError. All of those but the last are told in one line that names the server.

    Args:
        connection: Where it is, and who we are.
        reactor: Connects, has a clock, runs credential programs.
        timeout: Seconds for one try of a request.
    """

    def __init__(self, connection: Connection, reactor: Any, *, timeout: float = TIMEOUT) -> None:
        self.connection = connection
        self._reactor = reactor
        self._timeout = timeout
        self._credentials = Credentials(connection, reactor)
        self._channel: _Channel | None = None
        self._authority = ""
        self._authority_read_at: float | None = None
        self._open: set[Deferred[Any]] = set()
        self._closing: list[Deferred[None]] = []

    def get(self, path: str, query: Query | None = None) -> Deferred[Json]:
        """Give an object, or a list of them."""
        return self._start(self._ask("GET", path, query or {}))

    def create(self, path: str, body: Json) -> Deferred[Json]:
        """Create an object; `path` is that of its list."""
        return self._start(self._ask("POST", path, {}, body))

    def replace(self, path: str, body: Json) -> Deferred[Json]:
        """Put an object in the place of the one that has its `resourceVersion`."""
        return self._start(self._ask("PUT", path, {}, body))

    def patch(self, path: str, merge_patch: Json) -> Deferred[Json]:
        """Change an object's fields (RFC 7396); null removes one."""
        return self._start(self._ask("PATCH", path, {}, merge_patch, "application/merge-patch+json"))

    def apply(self, path: str, body: Json, manager: str = "meshd", force: bool = False) -> Deferred[Json]:
        """Make an object's fields those of `body`, whether it is there or not; of others' fields only with `force` (server-side apply)."""
        query = {"fieldManager": manager, "force": str(force).lower()}
        return self._start(self._ask("PATCH", path, query, body, "application/apply-patch+yaml"))

    def delete(self, path: str, query: Query | None = None) -> Deferred[Json]:
        """Delete an object."""
        return self._start(self._ask("DELETE", path, query or {}))

    def stream(
        self, path: str, query: Query, on_line: Callable[[bytes], None], quiet: float = 0.0, on_open: Callable[[], None] = lambda: None,
    ) -> Deferred[None]:
        """
        Watch: hand over each line of an answer as it comes.

        Args:
            path: Of a list.
            query: `watch=true` and what else there is to say.
            on_line: Takes a line; what it raises ends the watch, and is what the Deferred fails with.
            quiet: Seconds after which silence means that the connection is dead; 0: never. Servers that are asked for bookmarks send one a minute.
            on_open: Called when the server has begun to answer.

        Returns:
            Fires when the server ends the watch.
        """
        return self._start(self._watch(path, query, on_line, quiet, on_open))

    def close(self) -> Deferred[None]:
        """End everything under way and every connection; fires when they are gone."""
        for pending in list(self._open):
            pending.cancel()
        self._credentials.close()
        self._leave_channel()
        return gatherResults(self._closing).addCallback(lambda _closed: None)

    def describe(self, method: str, path: str) -> str:
        """Give what was asked for and whom, as errors begin."""
        return f"{self.connection.server}: {method} {path}"

    def _start(self, work: Coroutine[Any, Any, T]) -> Deferred[T]:
        """Start, and keep hold of it until it is done."""
        done = Deferred.fromCoroutine(work)
        self._open.add(done)

        def forget(result: T | Failure) -> T | Failure:
            self._open.discard(done)
            return result

        return done.addBoth(forget)

    async def _ask(self, method: str, path: str, query: Query, body: Json | None = None, kind: str = "application/json") -> Json:
        content = None if body is None else json.dumps(body, separators=(",", ":")).encode()

        async def exchange(login: Login) -> Json:
            response = await self._request(login, method, path, query, content, kind)
            return parse_object(await read_whole(response, MOST_ANSWER))

        return await self._try(self.describe(method, path), exchange)

    async def _watch(
        self, path: str, query: Query, on_line: Callable[[bytes], None], quiet: float, on_open: Callable[[], None],
    ) -> None:
        asked = self.describe("GET", path)
        response = await self._try(asked, lambda login: self._request(login, "GET", path, query))
        on_open()
        await self._told(asked, read_lines(response, on_line, quiet, self._reactor))

    async def _try(self, asked: str, attempt: Callable[[Login], Coroutine[Any, Any, T]]) -> T:
        """Make a try, and where our credentials are refused another one with those that are got anew."""
        login = await self._told(asked, self._credentials.get())
        try:
            return await self._told(asked, self._in_time(attempt(login)))
        except ApiError as refused:
            if refused.status != 401:
                raise
            self._credentials.refused(login)
            again = await self._told(asked, self._credentials.get())
            if again == login:
                raise
        return await self._told(asked, self._in_time(attempt(again)))

    def _in_time(self, work: Coroutine[Any, Any, T]) -> Deferred[T]:
        return Deferred.fromCoroutine(work).addTimeout(self._timeout, self._reactor, _name_timeout)

    async def _told(self, asked: str, pending: Deferred[T]) -> T:
        """Wait for something; where it fails, say so of what was asked for."""
        try:
            return await pending
        except ApiError:
            raise
        except (NoAnswerError, CredentialsError) as fault:
            raise type(fault)(f"{asked}: {fault}") from None
        except NETWORK_FAULTS as fault:
            if is_cancelled(fault):
                raise CancelledError from None
            tls = self._channel.tls if self._channel is not None else None
            said = explain_fault(fault, tls.fault if tls is not None else "")
        self._authority_read_at = None  # files may have been written anew
        self._credentials.look_again()
        raise NoAnswerError(f"{asked}: {said}")

    async def _request(
        self, login: Login, method: str, path: str, query: Query, content: bytes | None = None, kind: str = "",
    ) -> IResponse:
        """Send a request, and give the answer once its head is there and says yes."""
        headers: dict[bytes | str, bytes | str] = {"Accept": "application/json", "User-Agent": f"meshd/{__version__}"}
        if login.token:
            headers["Authorization"] = f"Bearer {login.token}"
        if content is not None:
            headers["Content-Type"] = kind
        response: IResponse = await self._open_channel(login).http.request(
            method, f"{self.connection.server}{path}", params=dict(query), headers=headers, data=content,
            allow_redirects=False, unbuffered=True, reactor=self._reactor,
        )
        if 200 <= response.code < 300:
            return response
        asked, origin = self.describe(method, path), self.connection.origin
        if 300 <= response.code < 400:
            cut(response)
            said, hint = "it sends us elsewhere, where credentials do not go", f"check the server of {origin}"
            raise ApiError(asked, response.code, phrase_of(response.code), said, hint=hint)
        try:
            body = parse_object(await read_whole(response, MOST_REFUSAL))
        except NoAnswerError:
            body = {}  # the code says enough
        retry_after = bounded_wait(response.headers.getRawHeaders(b"retry-after", [b""])[0])
        raise read_status(body, asked, origin, response.code, retry_after, login.token)

    def _open_channel(self, login: Login) -> _Channel:
        """Give the connections that are made with these credentials; others are left when nobody uses them any more."""
        made_from = (login.certificate, login.key, self._read_authority())
        if self._channel is None or self._channel.made_from != made_from:
            tls = build_tls(self.connection, login, made_from[2]) if self.connection.is_secure else None
            self._leave_channel()
            agent = PlainAgent(self._reactor, tls)
            self._channel = _Channel(made_from, HTTPClient(agent, data_to_body_producer=Content), agent, tls)
        return self._channel

    def _leave_channel(self) -> None:
        if self._channel is not None:
            self._closing = [closing for closing in self._closing if not closing.called] + [self._channel.agent.close()]
            self._channel = None

    def _read_authority(self) -> str:
        authority, now = self.connection.authority, IReactorTime(self._reactor).seconds()
        if authority is not None and (self._authority_read_at is None or now - self._authority_read_at >= LOOK_AGAIN):
            self._authority, self._authority_read_at = authority.read(), now
        return self._authority

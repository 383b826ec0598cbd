"""What requests are hashed by, for clusters that pick an endpoint by a hash; and the cookies that are made for that."""

from collections.abc import Callable, Sequence
from typing import Final, cast

import attrs

from meshd.base.addresses import canonical_ip
from meshd.base.xxhash64 import MASK, xxhash64
from meshd.codec.headers import Headers
from meshd.snapshot.route import HashPolicy
from meshd.tables.balancers.draw import NO_HASH
from meshd.tables.headers.header_text import header_text
from meshd.tables.interfaces import Exchange, Step
from meshd.tables.match.header import build_reader
from meshd.tables.match.query import find_parameter
from meshd.telemetry.logged import Logged

HASH: Final = "hash"
"""Name of the note that keeps an exchange's hash for its further tries."""
COOKIES: Final = "hash cookies"
"""Name of the note that keeps the cookies that the client is to be given."""

HashOf = Callable[[Exchange], int]
"""Gives a hash of 64 bits, or `NO_HASH`."""


def build_hash(policies: Sequence[HashPolicy]) -> HashOf | None:
    """
    Return what gives the hash of a request; None where nothing is hashed.

    Raises:
        BuildError: If a cookie cannot stand in a header.

    Source:
        Envoy's HashPolicyImpl::generateHash: each hash that is found is joined to those before, which are rotated by one bit.
    """
    steps = [(_build(policy), policy.terminal) for policy in policies]
    if not steps:
        return None
    if len(steps) == 1:
        return steps[0][0]

    def combine(exchange: Exchange) -> int:
        whole = NO_HASH
        for hash_of, terminal in steps:
            found = hash_of(exchange)
            if found != NO_HASH:
                whole = found if whole == NO_HASH else (whole << 1 & MASK | whole >> 63) ^ found
            if terminal and whole != NO_HASH:
                break
        return whole

    return combine


def _build(policy: HashPolicy) -> HashOf:
    if policy.kind == "header":
        return _of_header(policy.name)
    if policy.kind == "cookie":
        return _of_cookie(policy)
    return _of_parameter(policy.name.encode()) if policy.kind == "query_parameter" else _hash_source


def _of_header(name: str) -> HashOf:
    """Hash all lines of a header, whatever their order."""
    read = build_reader(name)

    def hash_header(exchange: Exchange) -> int:
        values = read(exchange)
        if not values:
            return NO_HASH
        number = 0
        for value in sorted(values):
            number = xxhash64(value, number)
        return number

    return hash_header


def _of_parameter(name: bytes) -> HashOf:
    def hash_parameter(exchange: Exchange) -> int:
        value = find_parameter(exchange.path, name)
        return NO_HASH if value is None else xxhash64(value)

    return hash_parameter


def _hash_source(exchange: Exchange) -> int:
    """Hash the client's address, as the log has it."""
    address = cast(Logged, exchange).source.rpartition(":")[0].strip("[]")
    if ":" in address:
        address = canonical_ip(address)
    return xxhash64(address.encode()) if address else NO_HASH


# cookies

def _of_cookie(policy: HashPolicy) -> HashOf:
    name = policy.name.encode()
    make = _Cookie(policy) if policy.cookie_ttl is not None else None

    def hash_cookie(exchange: Exchange) -> int:
        value = find_cookie(exchange.request.headers, name)
        if not value and make is not None:
            value = make.give(exchange)
        return xxhash64(value) if value else NO_HASH

    return hash_cookie


def find_cookie(headers: Headers, name: bytes) -> bytes:
    """Give the first value of a cookie, without quotes around it; empty where there is none."""
    if b"cookie" not in headers.first:
        return b""
    for header, line in headers.pairs:
        if header == b"cookie":
            for part in line.split(b";"):
                key, equals, value = part.strip(b" ").partition(b"=")
                if equals and key == name:
                    return value[1:-1] if len(value) > 1 and value[:1] == value[-1:] == b'"' else value
    return b""


@attrs.frozen
class _Cookie:
    """
    Makes cookies.

    Raises:
        BuildError: If they cannot stand in a header.
    """

    policy: HashPolicy
    before: bytes = attrs.field(init=False)
    after: bytes = attrs.field(init=False)

    @before.default
    def _begin(self) -> bytes:
        return header_text("cookie name", self.policy.name) + b'="'

    @after.default
    def _end(self) -> bytes:
        age, path = int(self.policy.cookie_ttl or 0), header_text("cookie path", self.policy.cookie_path)
        return b'"' + (b"; Max-Age=%d" % age if age else b"") + (b"; Path=" + path if path else b"") + b"; HttpOnly"

    def give(self, exchange: Exchange) -> bytes:
        """
        Give a value that is the same for all requests of a connection, and note that the client is to get it.

        Source:
            Envoy's Router Filter::addDownstreamSetCookie.
        """
        connection = cast(Logged, exchange).connection
        value = b"%016x" % xxhash64((connection.source + connection.destination).encode())
        notes = exchange.notes = exchange.notes or {}
        notes[COOKIES] = (*notes.get(COOKIES, ()), self.before + value + self.after)
        return value


def tell_cookies(policies: Sequence[HashPolicy], finish: Step | None) -> Step | None:
    """Return what gives the client the cookies that were made, before other changes of the upstream's answer; `finish` where none ever are."""
    if all(policy.cookie_ttl is None for policy in policies):
        return finish

    def tell(exchange: Exchange) -> None:
        notes, response = exchange.notes, exchange.response
        if notes is not None and response is not None and COOKIES in notes and cast(Logged, exchange).details == "via_upstream":
            for cookie in notes[COOKIES]:
                response.headers.add(b"set-cookie", cookie)
        if finish is not None:
            finish(exchange)

    return tell

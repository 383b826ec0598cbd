"""
Tokens of a registry: who may join which group, and until when.

A token is `meshd1.PIN.NAME.SECRET`: the SHA-256 of the registry's certificate (or `-`), so that who has a token knows whom to trust; a name, by
which it is listed and revoked; and 256 random bits, of which the registry keeps the SHA-256 alone.
"""

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, Literal

import attrs

from meshd.base.addresses import canonical_ip
from meshd.base.errors import MeshError
from meshd.registry.files import read_json, write_json

VERSION = "meshd1"
FILE = "tokens.json"
LONGEST = 512  # characters of a token that is looked at
NO_PIN = "-"


class TokenError(MeshError):
    """A token, or a file of tokens, that is of no use."""


@attrs.frozen
class Token:
    """
    What a registry knows of a token.

    Attributes:
        name: Its name.
        digest: SHA-256 of its secret, in hexadecimal digits.
        use: `join`: register and follow; `read`: follow alone.
        groups: `NAMESPACE/NAME`, or `NAMESPACE/*`, that it may join.
        addresses: Ranges (CIDR) from which a machine may name an address, besides the one that it connects from.
        labels: Keys of labels that a machine may say of itself.
        expires: Seconds since the epoch; None: never.
        created: Seconds since the epoch.
    """

    name: str
    digest: str
    use: Literal["join", "read"] = "join"
    groups: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    expires: float | None = None
    created: float = 0.0

    def may_join(self, namespace: str, group: str) -> bool:
        """Tell whether it is for a group."""
        return self.use == "join" and not {f"{namespace}/{group}", f"{namespace}/*"}.isdisjoint(self.groups)

    def may_name(self, address: str, peer: str) -> bool:
        """Tell whether a machine that connects from a `peer` may have an address."""
        named = ip_address(canonical_ip(address))
        return named == ip_address(canonical_ip(peer)) or any(named in ip_network(text) for text in self.addresses)


@attrs.frozen
class Secret:
    """A token as its holder has it."""

    pin: str
    name: str
    secret: str

    def __str__(self) -> str:
        """Give its text."""
        return ".".join((VERSION, self.pin or NO_PIN, self.name, self.secret))


def parse_secret(text: str) -> Secret:
    """
    Read a token's text.

    Raises:
        TokenError: If it is none; nothing of it is quoted.
    """
    parts = text.strip().split(".")
    if len(text) > LONGEST or len(parts) != 4 or parts[0] != VERSION or not all(parts):
        raise TokenError(f"expected a token, {VERSION}.PIN.NAME.SECRET, got something else")
    return Secret("" if parts[1] == NO_PIN else parts[1], parts[2], parts[3])


def new_token(name: str, pin: str, now: float, **more: Any) -> tuple[Token, Secret]:
    """Make a token; what the registry keeps, and what its holder gets."""
    secret = Secret(pin, name, secrets.token_urlsafe(32))
    return Token(name, _digest(secret.secret), created=now, **more), secret


class TokenFile:
    """The tokens of a registry, in a file that meshctl writes and the registry reads again when it has changed."""

    def __init__(self, directory: Path, now: Callable[[], float]) -> None:
        """Take the registry's directory and a wall clock, since tokens expire at a date."""
        self._path = directory / FILE
        self._now = now
        self._stamp: tuple[int, int, int] | None = None
        self._tokens: dict[str, Token] = {}

    def find(self, text: str) -> Token | None:
        """Give the token that a text is, if it is one that counts now; how long this takes does not tell how much of a secret was right."""
        try:
            secret = parse_secret(text)
            self._refresh()
        except TokenError:
            return None
        token = self._tokens.get(secret.name)
        right = hmac.compare_digest(_digest(secret.secret), token.digest if token is not None else "0" * 64)
        if token is None or not right or (token.expires is not None and token.expires <= self._now()):
            return None
        return token

    def tokens(self) -> list[Token]:
        """
        List all, by name.

        Raises:
            TokenError: If the file cannot be read.
        """
        self._refresh()
        return sorted(self._tokens.values(), key=lambda token: token.name)

    def change(self, change: Callable[[dict[str, Token]], None]) -> None:
        """
        Change the tokens by name, one writer after the other.

        Raises:
            TokenError: If that is not possible.
        """
        with self._locked():
            self._stamp = None
            self._refresh()
            change(self._tokens)
            try:
                write_json(self._path, {"tokens": [attrs.asdict(token) for token in self._tokens.values()]})
            except OSError as error:
                raise TokenError(f"{self._path}: expected a file that can be written: {error.strerror}") from None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise TokenError(f"{self._path.parent}: expected a directory that can be written to: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _refresh(self) -> None:
        """Read the file if it is another one than before; one that cannot be read has no tokens."""
        try:
            found = os.stat(self._path)
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        except FileNotFoundError:
            self._stamp, self._tokens = None, {}
            return
        except OSError as error:
            raise TokenError(f"{self._path}: expected a file that can be read: {error.strerror}") from None
        if stamp == self._stamp:
            return
        self._tokens = {}
        self._tokens = {token.name: token for token in _read(self._path)}
        self._stamp = stamp


def _read(path: Path) -> Sequence[Token]:
    try:
        return [
            Token(**{**one, **{name: tuple(one.get(name, ())) for name in ("groups", "addresses", "labels")}}) for one in read_json(path)["tokens"]
        ]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise TokenError(f"{path}: expected a file of tokens, got one that cannot be read ({error})") from None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()

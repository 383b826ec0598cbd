"""Where the webhook's authority is kept: in a Secret that all its processes share, or in a folder of one machine."""

import base64
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Protocol

import attrs

from meshd.kubernetes.api import SECRETS
from meshd.kubernetes.client import ApiError
from meshd.webhook.authority import Authority, AuthorityError

SECRET = "meshd-webhook-ca"
CERTIFICATES, KEY = "ca.crt", "ca.key"

Json = dict[str, Any]


class Client(Protocol):
    """What is asked of an API server here."""

    def get(self, path: str) -> Awaitable[Json]:
        """Give an object."""

    def create(self, path: str, body: Json) -> Awaitable[Json]:
        """Create an object."""

    def replace(self, path: str, body: Json) -> Awaitable[Json]:
        """Put an object in the place of the one that has its `resourceVersion`."""


class Store(Protocol):
    """Where an authority is kept."""

    async def load(self) -> Authority | None:
        """Give what is kept; None: nothing."""

    async def save(self, authority: Authority) -> bool:
        """Keep an authority in the place of the one that was loaded last; False: somebody else was faster, load again."""


def secret_document(namespace: str) -> Json:
    """Give the Secret that holds the authority, without its content."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET, "namespace": namespace}}


@attrs.define(eq=False)
class SecretStore:
    """In a Secret."""

    client: Client
    namespace: str
    _found: Json | None = None

    async def load(self) -> Authority | None:
        """
        Read the Secret.

        Raises:
            AuthorityError: If it holds no authority.
            MeshError: If the API server does not give it.
        """
        try:
            self._found = await self.client.get(SECRETS.path(self.namespace, SECRET))
        except ApiError as error:
            if error.status != 404:
                raise
            self._found = None
            return None
        return _checked(Authority(self._text(CERTIFICATES), self._text(KEY)), f"Secret {self.namespace}/{SECRET}")

    async def save(self, authority: Authority) -> bool:
        """
        Write the Secret; False where somebody else did meanwhile.

        Raises:
            MeshError: If the API server does not take it.
        """
        content = {CERTIFICATES: authority.bundle, KEY: authority.key}
        fields = {"type": "Opaque", "data": {name: base64.b64encode(text.encode()).decode() for name, text in content.items()}}
        try:
            if self._found is None:
                await self.client.create(SECRETS.path(self.namespace), {**secret_document(self.namespace), **fields})
            else:
                await self.client.replace(SECRETS.path(self.namespace, SECRET), {**self._found, **fields})
        except ApiError as error:
            if error.status == 409:
                return False
            raise
        return True

    def _text(self, name: str) -> str:
        content = (self._found or {}).get("data")
        value = content.get(name) if isinstance(content, dict) else None
        try:
            return base64.b64decode(value if isinstance(value, str) else "", validate=True).decode()
        except ValueError:
            return ""


@attrs.define(eq=False)
class FolderStore:
    """In two files of a folder, which nobody else can read."""

    folder: Path

    async def load(self) -> Authority | None:
        """
        Read the files.

        Raises:
            AuthorityError: If they hold no authority, or cannot be read.
        """
        try:
            found = Authority((self.folder / CERTIFICATES).read_text(errors="replace"), (self.folder / KEY).read_text(errors="replace"))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AuthorityError(f"{self.folder}: expected readable files: {error.strerror}") from None
        return _checked(found, str(self.folder))

    async def save(self, authority: Authority) -> bool:
        """
        Write the files, the key first; a reader in between sees two that do not belong together, and says so.

        Raises:
            AuthorityError: If they cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, text in ((KEY, authority.key), (CERTIFICATES, authority.bundle)):
                draft = self.folder / f".{name}.new"
                draft.unlink(missing_ok=True)
                with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self.folder / name)
        except OSError as error:
            raise AuthorityError(f"{self.folder}: expected a folder that can be written to: {error.strerror}") from None
        return True


def _checked(authority: Authority, place: str) -> Authority:
    try:
        authority.check()
    except AuthorityError as error:
        raise AuthorityError(f"{place}: {error}; remove it, and a new one is made") from None
    return authority

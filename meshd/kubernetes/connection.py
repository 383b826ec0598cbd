"""Where an API server is, how it is known, and who we are to it: what a kubeconfig says, or the service account of a pod."""

import os
from stat import S_ISREG
from typing import Final
from urllib.parse import urlsplit

import attrs

from meshd.base.errors import MeshError, Problem

MOST_BYTES: Final = 1024 * 1024
"""A file of certificates, a key or a token may have; kubeconfigs with a hundred clusters stay below."""


class CredentialsError(MeshError):
    """There are no credentials to be had, or roots to check the server's by; the text says where and why, and has nothing secret in it."""


@attrs.frozen
class Pem:
    """
    Certificates or a key.

    Attributes:
        text: Themselves; empty where they are in a file, which may be written anew.
        place: That file, or where the text stood; for messages.
    """

    text: str = attrs.field(default="", repr=False)
    place: str = ""

    def read(self) -> str:
        """
        Give them as they are now.

        Raises:
            CredentialsError: If the file cannot be read.
        """
        return self.text or read_file(self.place)


@attrs.frozen
class ExecPlugin:
    """
    A program that gives credentials.

    Attributes:
        command: Found on PATH where it is no path.
        arguments: Of the command.
        environment: Beside our own.
        api_version: Of client.authentication.k8s.io, that the program must speak.
        hint: How to get the program.
        told_cluster: It is told of the cluster.
        cluster_config: What the kubeconfig has for it among the cluster's extensions, JSON.
    """

    command: str
    arguments: tuple[str, ...] = attrs.field(default=(), repr=False)  # may hold a password
    environment: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    api_version: str = "client.authentication.k8s.io/v1"
    hint: str = ""
    told_cluster: bool = False
    cluster_config: str = attrs.field(default="", repr=False)


@attrs.frozen
class User:
    """
    Who we are; nothing at all is right where the server asks for nothing.

    Attributes:
        certificate: Chain that is shown to the server.
        key: Of the certificate.
        token: Sent with every request.
        token_file: Where a token stands that is written anew; goes before `token`.
        plugin: Gives a token, a certificate or both.
    """

    certificate: Pem | None = None
    key: Pem | None = None
    token: str = attrs.field(default="", repr=False)
    token_file: str = ""
    plugin: ExecPlugin | None = None

    @property
    def has_secret(self) -> bool:
        """Tell whether there is anything that must reach nobody but the server."""
        return self != User()


@attrs.frozen
class Connection:
    """
    How to reach an API server.

    Attributes:
        server: URL without a slash at its end.
        origin: Where that stands, for messages.
        namespace: Of what names none.
        authority: Roots that the server's certificate must come from; None: those of the operating system.
        verify: Check the server's certificate at all.
        tls_server_name: Name that the certificate must have; empty: the server's.
        user: Who we are.
        warnings: What is odd about what was read, and changes nothing.
    """

    server: str
    origin: str = ""
    namespace: str = "default"
    authority: Pem | None = None
    verify: bool = True
    tls_server_name: str = ""
    user: User = User()
    warnings: tuple[Problem, ...] = ()

    @property
    def host(self) -> str:
        """Host of the server, without brackets."""
        return urlsplit(self.server).hostname or ""

    @property
    def port(self) -> int:
        """Port of the server."""
        return urlsplit(self.server).port or (443 if self.is_secure else 80)

    @property
    def is_secure(self) -> bool:
        """Tell whether the server is spoken to over TLS."""
        return self.server.startswith("https:")


def read_file(path: str) -> str:
    """
    Give the text of a small file; waits for nothing that is no file.

    Raises:
        CredentialsError: If it cannot be read.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            content = file.read(MOST_BYTES + 1) if S_ISREG(os.fstat(file.fileno()).st_mode) else b""
        text = content.decode()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or ("found bytes that are no text" if isinstance(error, UnicodeError) else "its name is no path")
        raise CredentialsError(f"{path}: expected a file that can be read: {said}") from None
    if not 0 < len(content) <= MOST_BYTES:
        raise CredentialsError(f"{path}: expected a file of 1 to {MOST_BYTES} bytes")
    return text

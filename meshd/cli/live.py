"""Questions to a running meshd: HTTP over its admin socket."""

import http.client
import json
import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from meshd.base.errors import MeshError
from meshd.base.places import ADMIN_SOCKET

if TYPE_CHECKING:
    from meshd.snapshot.snapshot import Snapshot

TIMEOUT = 10.0  # seconds
MAX_ANSWER = 1024 * 1024 * 1024  # bytes; 100,000 endpoints are about 60 MB


class LiveError(MeshError):
    """A meshd that does not answer, or not as it should."""


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a UNIX socket."""

    def __init__(self, path: str) -> None:
        super().__init__("meshd", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


Connect = Callable[[str], http.client.HTTPConnection]
"""Opens a connection to a socket by its path."""


def get(run_dir: str, page: str, connect: Connect = _UnixConnection) -> bytes:
    """
    Fetch an admin page.

    Raises:
        LiveError: If nobody answers, or with something else than the page.
    """
    path = os.path.join(run_dir, ADMIN_SOCKET)
    connection = connect(path)
    try:
        connection.request("GET", page)
        response = connection.getresponse()
        content = response.read(MAX_ANSWER)
    except FileNotFoundError:
        raise LiveError(f"no meshd runs here: {path} does not exist; name its --run-dir, or read a configuration with --config-dir") from None
    except ConnectionRefusedError:
        raise LiveError(f"no meshd answers at {path}; it has ended") from None
    except PermissionError:
        raise LiveError(f"not permitted to ask meshd at {path}; run as root") from None
    except http.client.HTTPException:
        raise LiveError(f"what answers at {path} does not speak HTTP as meshd does") from None
    except OSError as error:
        raise LiveError(f"no answer from meshd at {path}: {str(error) or type(error).__name__}") from None
    finally:
        connection.close()
    if response.status != http.client.OK:
        raise LiveError(f"meshd at {path} answers {page} with {response.status} {response.reason}")
    return content


def get_json(run_dir: str, page: str, connect: Connect = _UnixConnection) -> dict[str, Any]:
    """
    Fetch an admin page that is a JSON object.

    Raises:
        LiveError: As `get`, or if it is none.
    """
    try:
        found = json.loads(get(run_dir, page, connect))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise LiveError(f"meshd at {os.path.join(run_dir, ADMIN_SOCKET)} answers {page} with something that is no JSON object")
    return found


def get_snapshot(run_dir: str, connect: Connect = _UnixConnection) -> "Snapshot":
    """
    Fetch the snapshot that is served.

    Raises:
        LiveError: As `get`, or if it cannot be read.
    """
    from meshd.base.errors import WireError
    from meshd.snapshot.update import apply_update
    from meshd.snapshot.wire import decode

    content = get(run_dir, "/snapshot.wire", connect)
    if not content:
        raise LiveError(f"meshd at {os.path.join(run_dir, ADMIN_SOCKET)} serves nothing yet; see `meshctl status`")
    try:
        return apply_update(None, {}, decode(content))[0]
    except WireError as error:
        raise LiveError(f"the snapshot of meshd at {os.path.join(run_dir, ADMIN_SOCKET)} cannot be read: {error}") from None

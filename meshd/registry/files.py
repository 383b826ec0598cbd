"""JSON in files that are there whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any


def write_json(path: Path, found: Any) -> None:
    """
    Write a file in the place of what stood there, readable by its owner alone.

    Raises:
        OSError: If it cannot be written.
    """
    write_file(path, json.dumps(found).encode())


def write_file(path: Path, content: bytes) -> None:
    """
    Write bytes in the place of what stood there, readable by their owner alone.

    Raises:
        OSError: If they cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def read_json(path: Path) -> Any:
    """
    Read a file.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("it is nested too deeply") from None

"""What stands for container images: programs of this machine."""

import sys
from pathlib import Path

from tests.demo.world import write_web_server

BIN = Path(sys.executable).parent
PATH = f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where containers look for programs: the meshd under test stands first."""


def command_of(image: str, folder: Path) -> list[str]:
    """
    Give what an image runs where its container says nothing: `nginx` a web server on port 80, any other nothing for ever.

    Args:
        image: As in the pod.
        folder: Empty, for what the program needs.
    """
    if image.rsplit("/", 1)[-1].split(":")[0] == "nginx":
        return ["nginx", "-c", str(write_web_server(folder))]
    return ["sleep", "infinity"]

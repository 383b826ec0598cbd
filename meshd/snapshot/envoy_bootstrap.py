"""A static bootstrap with which a real Envoy serves what a snapshot says."""

from meshd.snapshot.json_fields import Json
from meshd.snapshot.snapshot import Snapshot


def bootstrap(snapshot: Snapshot) -> Json:
    return {}

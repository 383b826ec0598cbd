"""Pods for tests of injection."""

from collections.abc import Mapping
from typing import Any

from meshd.base.origins import Origin
from meshd.inject.pod import Injected, Place, inject_pod
from meshd.inject.settings import InjectSettings
from meshd.sources.rewriting import read_mapping

SETTINGS = InjectSettings(image="example.com/meshd:1")
ORIGIN = Origin("pod.yaml", 1, "Pod", "default", "web")

Json = dict[str, Any]


def pod(labels: Mapping[str, str] | None = None, annotations: Mapping[str, str] | None = None, **spec: object) -> Json:
    """Give a pod of one container; further fields of its spec by name."""
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"} | dict(labels or {}), "annotations": dict(annotations or {})},
        "spec": {"containers": [{"name": "app", "image": "nginx"}], **spec},
    }


def injected(found: Mapping[str, Any], settings: InjectSettings = SETTINGS, place: Place | None = None) -> Injected:
    """Inject a pod."""
    return inject_pod(found, place or Place(ORIGIN), settings, read_mapping)


def complaints(found: Injected) -> list[str]:
    """Give what is wrong with a pod, a line each: severity, field, message and hint."""
    return [f"{one.severity} {one.field}: {one.message}{'; ' + one.hint if one.hint else ''}" for one in found.problems]


def named(items: list[Json], name: str) -> Json:
    """Give the one of a name among containers or volumes."""
    [found] = [item for item in items if item["name"] == name]
    return found

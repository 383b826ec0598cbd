"""An API server of a test: objects by path, with versions, as a client sees them."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from meshd.kubernetes.client import ApiError

Json = dict[str, Any]
T = TypeVar("T")


class ApiServer:
    """
    Keeps objects.

    Attributes:
        objects: By path.
        asked: Every call: method and path.
        faults: What the next call of a method fails with, by method.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.objects: dict[str, Json] = {}
        self.asked: list[tuple[str, str]] = []
        self.faults: dict[str, Exception] = {}
        self._version = 0

    async def get(self, path: str, query: Any = None) -> Json:
        """Give an object."""
        self._ask("GET", path)
        if path not in self.objects:
            raise ApiError(f"GET {path}", 404, "NotFound")
        return self.objects[path]

    async def create(self, path: str, body: Json) -> Json:
        """Keep a new object."""
        self._ask("POST", path)
        path = f"{path}/{body['metadata']['name']}"
        if path in self.objects:
            raise ApiError(f"POST {path}", 409, "AlreadyExists")
        return self._keep(path, body)

    async def replace(self, path: str, body: Json) -> Json:
        """Keep an object of the version that is there."""
        self._ask("PUT", path)
        if path not in self.objects:
            raise ApiError(f"PUT {path}", 404, "NotFound")
        if body["metadata"].get("resourceVersion") != self.objects[path]["metadata"]["resourceVersion"]:
            raise ApiError(f"PUT {path}", 409, "Conflict")
        return self._keep(path, body)

    async def apply(self, path: str, body: Json, manager: str = "meshd", force: bool = False) -> Json:
        """Keep an object, whatever was there; a fault of "conflict" is one that force overcomes."""
        if force:
            self.faults.pop("conflict", None)
        self._ask("conflict" if "conflict" in self.faults else "APPLY", path)
        return self._keep(path, body)

    async def delete(self, path: str, query: Any = None) -> Json:
        """Forget an object."""
        self._ask("DELETE", path)
        if path not in self.objects:
            raise ApiError(f"DELETE {path}", 404, "NotFound")
        return self.objects.pop(path)

    def _ask(self, method: str, path: str) -> None:
        self.asked.append((method, path))
        if method in self.faults:
            raise self.faults.pop(method)

    def _keep(self, path: str, body: Json) -> Json:
        self._version += 1
        self.objects[path] = {**body, "metadata": {**body["metadata"], "resourceVersion": str(self._version)}}
        return self.objects[path]


def done(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never waits, and give what it gives, or raise what it raises."""
    found: list[T] = []
    failed: list[Failure] = []
    Deferred.fromCoroutine(work).addCallbacks(found.append, failed.append)
    for failure in failed:
        failure.raiseException()
    [result] = found
    return result

"""An API server in memory, for who writes a few objects: what `KubernetesClient` gives, without a connection."""

import copy
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed

from meshd.kubernetes.answers import ApiError, NoAnswerError

Json = dict[str, Any]


class ObjectStore:
    """
    Keeps objects by their paths.

    Attributes:
        objects: What is there.
        asked: Method and path of each request.
        away: It does not answer.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.objects: dict[str, Json] = {}
        self.asked: list[str] = []
        self.away = False
        self._version = 0

    def put(self, path: str, found: Json) -> Json:
        """Have an object."""
        self._version += 1
        kept = copy.deepcopy(found)
        kept.setdefault("metadata", {}).update(resourceVersion=str(self._version))
        kept["metadata"].setdefault("uid", f"uid-{self._version}")
        self.objects[path] = kept
        return copy.deepcopy(kept)

    def get(self, path: str, query: dict[str, str] | None = None) -> "Deferred[Json]":
        """Give an object, or the objects below a path, one in each answer."""
        if query is None:
            return self._answer("GET", path, lambda found: found)
        self.asked.append(f"LIST {path}")
        if self.away:
            return fail(NoAnswerError("away"))
        listed = sorted(name for name in self.objects if name.startswith(f"{path}/"))
        index = int(query.get("continue", "0"))
        more = str(index + 1) if index + 1 < len(listed) else ""
        return succeed({"items": [copy.deepcopy(self.objects[name]) for name in listed[index : index + 1]], "metadata": {"continue": more}})

    def create(self, path: str, body: Json) -> "Deferred[Json]":
        """Have a new object."""
        return self._answer("POST", f"{path}/{body['metadata']['name']}", lambda found: self.put(self._path, body), new=True)

    def replace(self, path: str, body: Json) -> "Deferred[Json]":
        """Have an object in the place of one of the same version."""
        return self._answer("PUT", path, lambda found: self.put(path, body), version=body["metadata"].get("resourceVersion"))

    def patch(self, path: str, merge_patch: Json) -> "Deferred[Json]":
        """Change fields at the top; of a part, those of the whole."""
        whole = path.removesuffix("/status")
        return self._answer("PATCH", whole, lambda found: self.put(whole, {**found, **merge_patch}), told=path)

    def apply(self, path: str, body: Json, manager: str = "meshd", force: bool = False) -> "Deferred[Json]":
        """Have an object, whether there was one or not."""
        self.asked.append(f"APPLY {path}")
        return fail(NoAnswerError("away")) if self.away else succeed(self.put(path, body))

    def delete(self, path: str) -> "Deferred[Json]":
        """Have an object no more."""
        return self._answer("DELETE", path, lambda found: self.objects.pop(path))

    def _answer(self, method: str, path: str, act: Any, *, new: bool = False, version: str | None = None, told: str = "") -> "Deferred[Json]":
        self.asked.append(f"{method} {told or path}")
        self._path = path
        if self.away:
            return fail(NoAnswerError("away"))
        found = self.objects.get(path)
        if (found is not None) if new else (found is None):
            return fail(ApiError(method, 409 if new else 404))
        if version is not None and found is not None and found["metadata"]["resourceVersion"] != version:
            return fail(ApiError(method, 409))
        return succeed(copy.deepcopy(act(copy.deepcopy(found))))

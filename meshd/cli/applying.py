"""Documents put into a cluster, and taken out of it."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from meshd.base.errors import MeshError
from meshd.kubernetes.api import CONFIG_MAPS, MUTATING_WEBHOOKS, NAMESPACES, SECRETS, SERVICES, Api
from meshd.kubernetes.client import ApiError
from meshd.webhook.authority import Authority
from meshd.webhook.keeper import VALIDATING_WEBHOOKS, obtain
from meshd.webhook.store import Client, SecretStore

Json = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"

APIS: dict[tuple[str, str], Api] = {
    (f"{api.group}/{api.version}" if api.group else api.version, api.kind): api
    for api in (
        NAMESPACES, SECRETS, SERVICES, CONFIG_MAPS, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS,
        Api("", "v1", "serviceaccounts", "ServiceAccount"),
        Api("apps", "v1", "deployments", "Deployment"),
        Api(_RBAC, "v1", "roles", "Role"),
        Api(_RBAC, "v1", "rolebindings", "RoleBinding"),
        Api(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False),
        Api(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    )
}
"""API version and kind of what is applied, and where it stands."""

Say = Callable[[str], object]


class ApplyingClient(Client, Protocol):
    """What is asked of an API server here."""

    def apply(self, path: str, body: Json, manager: str = "meshd", force: bool = False) -> Awaitable[Json]:
        """Make an object's fields those of a body."""

    def delete(self, path: str) -> Awaitable[Json]:
        """Delete an object."""


async def apply_all(client: ApplyingClient, documents: Iterable[Json], force: bool, say: Say) -> None:
    """
    Apply documents, one after the other, and say so.

    Raises:
        MeshError: Of the first that is refused; those before it are there.
    """
    for document in documents:
        try:
            await client.apply(path_of(document), document, force=force)
        except ApiError as error:
            if error.status != 409:
                raise
            hint = "somebody else set these fields; --force takes them over"
            raise MeshError(f"{_shown(document)}: {error.message}; {hint}") from None
        say(f"applied: {_shown(document)}")


async def delete_all(client: ApplyingClient, documents: Iterable[Json], say: Say) -> None:
    """
    Delete what documents name, and say so; what is not there is no fault.

    Raises:
        MeshError: Of the first that is refused.
    """
    for document in documents:
        try:
            await client.delete(path_of(document))
        except ApiError as error:
            if error.status != 404:
                raise
        else:
            say(f"deleted: {_shown(document)}")


async def authority_of(client: Client, namespace: str) -> Authority:
    """
    Give the webhook's authority, made if there is none.

    Raises:
        MeshError: If it cannot be read or kept.
    """
    return await obtain(SecretStore(client, namespace), time.time())


def path_of(document: Mapping[str, Any]) -> str:
    """Give the path of a document's object."""
    metadata = document["metadata"]
    return APIS[(document["apiVersion"], document["kind"])].path(metadata.get("namespace", ""), metadata["name"])


def _shown(document: Mapping[str, Any]) -> str:
    metadata = document["metadata"]
    return f"{document['kind']} " + "/".join(filter(None, (metadata.get("namespace"), metadata["name"])))

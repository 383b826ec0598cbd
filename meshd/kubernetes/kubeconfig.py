"""Finds the API server: by a kubeconfig, or by the service account that a pod has."""

import os
from collections.abc import Mapping
from typing import Final

from meshd.base.errors import MeshError, Problem
from meshd.base.origins import Origin
from meshd.kubernetes.connection import Connection, CredentialsError, Pem, User, read_file
from meshd.kubernetes.kubeconfig_reading import KubeconfigError, read_connection

SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
"""Where the kubelet puts a pod's token, the roots of the API server's certificate, and the pod's namespace."""

__all__ = ["KubeconfigError", "load_connection"]


def load_connection(
    kubeconfig: str = "", context: str = "", *, environment: Mapping[str, str] = os.environ, service_account: str = SERVICE_ACCOUNT,
) -> Connection:
    """
    Find the API server.

    Args:
        kubeconfig: File, or several with `:` between; empty: `$KUBECONFIG`, else the service account of a pod, else `~/.kube/config`.
        context: Of the kubeconfig; empty: its `current-context`.
        environment: Variables of this process.
        service_account: Where a pod has its own.

    Raises:
        KubeconfigError: If there is none, or it cannot be used.
    """
    named = kubeconfig or environment.get("KUBECONFIG", "")
    if not named and not context and "KUBERNETES_SERVICE_HOST" in environment and os.path.exists(f"{service_account}/token"):
        return _in_cluster(environment, service_account)
    paths = [path for path in named.split(":") if path] or [os.path.join(environment.get("HOME", "/root"), ".kube", "config")]
    files = []
    for path in paths:
        if len(paths) > 1 and not os.path.exists(path):
            continue
        try:
            files.append((path, read_file(path)))
        except CredentialsError as error:
            raise _unusable(path, error, "name a kubeconfig that can be read") from None
    if not files:
        raise KubeconfigError([Problem(Origin(named), "expected files of which at least one is there, got none")])
    return read_connection(files, context)


def _unusable(path: str, error: MeshError, hint: str) -> KubeconfigError:
    return KubeconfigError([Problem(Origin(path), str(error).removeprefix(f"{path}: "), hint=hint)])


def _in_cluster(environment: Mapping[str, str], folder: str) -> Connection:
    host, port = environment["KUBERNETES_SERVICE_HOST"], environment.get("KUBERNETES_SERVICE_PORT", "443")
    authority = Pem(place=f"{folder}/ca.crt")
    try:
        authority.read()
        namespace = read_file(f"{folder}/namespace").strip() if os.path.exists(f"{folder}/namespace") else "default"
    except CredentialsError as error:
        raise _unusable(folder, error, "the kubelet puts it there; give a kubeconfig where there is none") from None
    server = f"https://{f'[{host}]' if ':' in host else host}:{port}"
    return Connection(server, "the service account of this pod", namespace, authority, user=User(token_file=f"{folder}/token"))

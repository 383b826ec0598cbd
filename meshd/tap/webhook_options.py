"""The command line of `twistd meshd-webhook`."""

import os
import socket
from pathlib import Path
from typing import Any

from twisted.python import usage

from meshd.cli.injection import DEFAULT, read_mesh_file
from meshd.inject.settings import InjectSettings
from meshd.tap.options import TWISTD_PIDFILE
from meshd.webhook.configuration import PORT, service_host

MAX_HOSTS = 32  # names in one certificate; two or three are usual


class WebhookOptions(usage.Options):
    """Options of `twistd meshd-webhook`; those before the word meshd-webhook are twistd's own."""

    synopsis = "[options]"
    longdesc = (
        "Serves the admission webhook that an API server of Kubernetes asks: it puts sidecars into pods (/inject) and refuses resources that meshd"
        " could not use (/validate). `meshctl webhook install` tells the API server of it."
    )
    optParameters = [  # noqa: RUF012 reason: as Twisted asks for it
        ["address", None, "", "Address to listen on; empty: all."],
        ["port", "p", PORT, "Port to listen on.", int],
        ["kubeconfig", None, "", "Of the cluster that holds the authority and the configurations; found as kubectl does, or within a cluster."],
        ["context", None, "", "Of the kubeconfig."],
        ["ca-dir", None, "", "Keep the certificate authority in this directory and ask no API server; ca.crt is for `meshctl webhook install`."],
        ["image", None, DEFAULT.image, "Image of the sidecar."],
        ["pull-policy", None, "", "When it is fetched: Always, IfNotPresent or Never."],
        ["revision", None, DEFAULT.revision, "Revision whose labels (istio.io/rev) are this injector's."],
        ["injector-namespace", None, DEFAULT.namespace, "Namespace of the injector, which gets no sidecars."],
        ["mesh", None, "", "A document of kind Mesh that every sidecar gets."],
    ]
    optFlags = [  # noqa: RUF012 reason: as Twisted asks for it
        ["enable-by-default", None, "Namespaces without labels get sidecars too."],
        ["hold-application", None, "Containers start when the sidecar is ready."],
        ["native-sidecar", None, "Make it an init container that stays (Kubernetes 1.29)."],
        ["no-dns", None, "Sidecars answer for no names."],
    ]

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # reason: Twisted's
        self["hosts"] = []
        self["pull-secrets"] = []

    def opt_host(self, name: str) -> None:
        """Add a name or address by which the API server reaches this; by default the Service's, the machine's and loopback."""
        self["hosts"].append(name)

    def opt_pull_secret(self, name: str) -> None:
        """Add a secret, in pods' namespaces, that the image is fetched with."""
        self["pull-secrets"].append(name)

    def postOptions(self) -> None:
        """Refuse what cannot work, before anything is done."""
        if not 0 < self["port"] <= 65535:
            raise usage.UsageError(f"--port: expected a port from 1 to 65535, got {self['port']}")
        if self["pull-policy"] not in ("", "Always", "IfNotPresent", "Never"):
            raise usage.UsageError(f"--pull-policy: expected Always, IfNotPresent or Never, got {self['pull-policy']}")
        if len(self["hosts"]) > MAX_HOSTS:
            raise usage.UsageError(f"--host: expected at most {MAX_HOSTS}, got {len(self['hosts'])}")
        parent: Any = self.parent
        if parent is not None and parent.get("nodaemon") and parent.get("pidfile") == TWISTD_PIDFILE:
            parent["pidfile"] = ""

    def settings(self) -> InjectSettings:
        """
        Give the injector's settings.

        Raises:
            MeshError: If the file of `--mesh` cannot be used.
        """
        more = read_mesh_file(self["mesh"]) if self["mesh"] else {}
        return InjectSettings(
            image=self["image"], pull_policy=self["pull-policy"], revision=self["revision"], namespace=self["injector-namespace"],
            enabled_by_default=bool(self["enable-by-default"]), hold_application=bool(self["hold-application"]),
            native_sidecar=bool(self["native-sidecar"]), dns=not self["no-dns"], mesh={**DEFAULT.mesh, **more},
            pull_secrets=tuple(self["pull-secrets"]),
        )

    def hosts(self, settings: InjectSettings) -> list[str]:
        """Give the names for the certificate."""
        return self["hosts"] or list(dict.fromkeys((service_host(settings), socket.gethostname().lower(), "localhost", "127.0.0.1")))

    def ca_dir(self) -> Path | None:
        """Give the directory of the authority; None: a Secret holds it."""
        return Path(os.path.abspath(self["ca-dir"])) if self["ca-dir"] else None

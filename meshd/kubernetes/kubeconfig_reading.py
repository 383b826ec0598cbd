"""Reads kubeconfigs: of several the first that has something counts, and of each only what the context in use needs is looked at."""

import binascii
import json
import os
from base64 import b64decode
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import attrs
import yaml
from yaml.nodes import Node

from meshd.base.addresses import is_ip_address
from meshd.base.errors import MeshError, Problem
from meshd.base.origins import Origin
from meshd.kubernetes.connection import Connection, ExecPlugin, Pem, User
from meshd.model.checks import label_name
from meshd.model.paths import Path, format_path, shown_key
from meshd.model.reading import Fields, Report, shown
from meshd.model.yaml_values import MAX_DEPTH, Builder, TooDeep, compose, find_line, find_path

EXEC_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
EXEC_EXTENSION: Final = "client.authentication.k8s.io/exec"
_KINDS: Final = {"clusters": "cluster", "users": "user", "contexts": "context"}
_SECRET: Final = frozenset({"token", "password", "client-key-data", "value", "args", "env"})
"""Fields whose values no message may quote."""
_GONE: Final = {
    "auth-provider": "Kubernetes 1.26 took it away; use exec",
    "username": "Kubernetes 1.19 took basic authentication away; use a token or a certificate",
    "password": "Kubernetes 1.19 took basic authentication away; use a token or a certificate",
    "as": "give the user itself the permissions that it needs",
    "as-uid": "give the user itself the permissions that it needs",
    "as-groups": "give the user itself the permissions that it needs",
    "as-user-extra": "give the user itself the permissions that it needs",
}


class KubeconfigError(MeshError):
    """A kubeconfig that names no server that could be used; `problems` say where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))


def read_connection(files: Sequence[tuple[str, str]], context: str = "") -> Connection:
    """
    Read the connection of a context.

    Args:
        files: Path and text of each kubeconfig; the first that has a context, cluster or user of a name counts.
        context: Its name; empty: `current-context`.

    Raises:
        KubeconfigError: If anything of it cannot be used.
    """
    found = [_read_file(path, text) for path, text in files]
    _check(found)
    name = context or next(filter(None, (fields.text("current-context") for fields in found)), "")
    _check(found)
    if not name:
        message = "expected the name of a context, got nothing"
        raise KubeconfigError([Problem(Origin(files[0][0]), message, "current-context", _there_are(_names(found, "contexts")))])
    chosen = _find(found, "contexts", name, None)
    cluster = _find(found, "clusters", chosen.text("cluster", required=True), chosen)
    user = chosen.text("user")
    connection = _read_cluster(cluster, chosen)
    if user:
        connection = attrs.evolve(connection, user=_read_user(_find(found, "users", user, chosen), cluster))
    if connection.user.has_secret and not connection.is_secure and not _is_loopback(connection.host):
        cluster.wrong("server", "expected https for a user with credentials, got http", "they would be readable on the way")
    chosen.finish(("extensions",))
    _check(found)
    warnings = tuple(problem for fields in found for problem in fields.report.problems)
    return attrs.evolve(connection, origin=f"context {shown_key(name)} of {cluster.report.origin.file}", warnings=warnings)


def _check(files: Sequence[Fields]) -> None:
    problems = [problem for fields in files for problem in fields.report.problems if problem.severity == "error"]
    if problems:
        raise KubeconfigError(problems)


def _read_file(path: str, text: str) -> Fields:
    """Give the fields of a file; values that are secret are in no message, not even of a fault of the YAML."""
    origin = Origin(path)
    try:
        nodes = compose(text)
    except TooDeep:
        raise KubeconfigError([Problem(origin, f"expected at most {MAX_DEPTH} levels of nesting, got more")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = f"expected YAML, got a fault: {shown_key(str(getattr(error, 'problem', None) or 'text that is no YAML'))}"
        raise KubeconfigError([Problem(origin, said, line=mark.line + 1 if mark is not None else 0)]) from None
    if len(nodes) != 1:
        raise KubeconfigError([Problem(origin, f"expected one document, got {len(nodes)}")])
    root = nodes[0]
    report = Report(origin, lambda place: find_line(root, place) + 1)
    body = Builder(lambda node, message, hint: _tell(report, root, node, message, hint)).build(root)
    if not isinstance(body, dict) and not report.problems:
        report.add((), f"expected a mapping with clusters, contexts and users, got {'a list' if isinstance(body, list) else 'a single value'}")
    fields = Fields(body if isinstance(body, dict) else {}, (), report)
    if "kind" in fields and fields.raw("kind") != "Config":
        fields.wrong("kind", f"expected Config, got {shown(fields.raw('kind'))}")
    return fields


def _tell(report: Report, root: Node, node: Node, message: str, hint: str) -> None:
    path = find_path(root, node)
    if _SECRET.intersection(map(str, path)):
        message = "expected text, got something else"
    report.add(path, message, hint)


def _names(files: Sequence[Fields], kind: str) -> list[str]:
    return [item.text("name") for fields in files for item in fields.items(kind)]


def _there_are(names: Sequence[str]) -> str:
    found = [shown_key(name) for name in dict.fromkeys(names) if name]
    return f"there are {', '.join(found[:10])}{', ...' if len(found) > 10 else ''}" if found else "there is none"


def _find(files: Sequence[Fields], kind: str, name: str, asking: Fields | None) -> Fields:
    """Find a context, cluster or user by its name."""
    for fields in files:
        for item in fields.items(kind):
            if item.text("name") == name:
                found = item.mapping(_KINDS[kind])
                _check(files)
                return found
    _check(files)
    hint = _there_are(_names(files, kind))
    if asking is None:
        raise KubeconfigError([Problem(files[0].report.origin, f"expected a context called {shown(name)}, got none of that name", kind, hint)])
    asking.wrong(_KINDS[kind], f"expected the name of one of {kind}, got {shown(name)}", hint)
    raise KubeconfigError(asking.report.problems)


def _read_cluster(fields: Fields, context: Fields) -> Connection:
    verify = not fields.flag("insecure-skip-tls-verify")
    authority = _read_pem(fields, "certificate-authority")
    if authority is not None and not verify:
        fields.wrong("insecure-skip-tls-verify", "expected true only where no certificate-authority is given, got both", "remove one of them")
    if fields.text("proxy-url"):
        fields.wrong("proxy-url", "proxies are not served, and the server would be asked past it", "remove it where the server can be reached")
    found = Connection(
        _read_server(fields),
        namespace=context.text("namespace", "default", check=label_name),
        authority=authority,
        verify=verify,
        tls_server_name=fields.text("tls-server-name"),
    )
    fields.finish(("disable-compression", "extensions"))
    return found


def _read_server(fields: Fields) -> str:
    text = fields.text("server", required=True)
    try:
        url = urlsplit(text)
        good = url.scheme in ("http", "https") and url.hostname and url.port != 0 and text.isascii() and text.isprintable() and " " not in text
    except ValueError:
        good = False
    if text and (not good or url.username is not None or url.query or url.fragment):
        fields.wrong("server", "expected a URL such as https://10.0.0.1:6443, without a user or a query, got something else")
        return ""
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or (host.startswith("127.") and is_ip_address(host))


def _read_user(fields: Fields, cluster: Fields) -> User:
    for name, hint in _GONE.items():
        if name in fields:
            fields.wrong(name, f"{name} is not served", hint)
        fields.raw(name)
    certificate, key = _read_pem(fields, "client-certificate"), _read_pem(fields, "client-key")
    if (certificate is None) != (key is None):
        name, other = ("client-certificate", "client-key") if certificate is None else ("client-key", "client-certificate")
        fields.wrong(name, f"expected {name} or {name}-data beside {other}, got nothing")
    user = User(
        certificate,
        key,
        _read_secret(fields, "token"),
        _read_path(fields, "tokenFile"),
        fields.optional("exec", lambda plugin: _read_plugin(plugin, cluster)),
    )
    fields.finish(("extensions",))
    return user


def _read_secret(fields: Fields, name: str, default: str = "") -> str:
    """Return a text that no message may quote, and that stands on one line."""
    value = fields.raw(name)
    if value is None:
        return default
    if not isinstance(value, str):
        fields.wrong(name, "expected text, got something else", "quote it" if isinstance(value, int | float) else "")
        return default
    if not (value.isascii() and value.isprintable()):
        fields.wrong(name, "expected letters, digits and signs of ASCII on one line, got something else")
        return default
    return value


def _read_path(fields: Fields, name: str) -> str:
    """Return a path; one that is relative begins where the kubeconfig is."""
    text = fields.text(name)
    return os.path.join(os.path.dirname(os.path.abspath(fields.report.origin.file)), text) if text else ""


def _read_pem(fields: Fields, name: str) -> Pem | None:
    """Return what stands in `NAME-data`, else the file that `NAME` gives."""
    path, inline = _read_path(fields, name), f"{name}-data"
    value = fields.raw(inline)
    if value is None or value == "":
        return Pem(place=path) if path else None
    try:
        text = b64decode("".join(value.split()), validate=True).decode() if isinstance(value, str) else ""
    except (binascii.Error, ValueError):
        text = ""
    if "-----BEGIN " not in text:
        fields.wrong(inline, "expected PEM in base64, got something else", "give the path of a file by the field without -data" if not text else "")
        return None
    at: Path = (*fields.path, inline)
    return Pem(text, f"{fields.report.origin.file}:{fields.report.line_of(at)}: {format_path(at)}")


def _read_plugin(fields: Fields, cluster: Fields) -> ExecPlugin:
    command = fields.text("command", required=True)
    if "/" in command:
        command = _read_path(fields, "command")
    if fields.choice("interactiveMode", ("Never", "IfAvailable", "Always"), "IfAvailable") == "Always":
        fields.wrong("interactiveMode", "expected Never or IfAvailable, got Always", "meshd has no terminal on which to ask anybody")
    if "apiVersion" not in fields:
        fields.wrong("apiVersion", f"expected {' or '.join(EXEC_VERSIONS)}, got nothing")
    told = fields.flag("provideClusterInfo")
    plugin = ExecPlugin(
        command,
        tuple(_read_arguments(fields)),
        tuple((item.text("name", required=True), _read_value(item)) for item in fields.items("env")),
        fields.choice("apiVersion", EXEC_VERSIONS, EXEC_VERSIONS[0]),
        fields.text("installHint"),
        told,
        _read_cluster_config(cluster) if told else "",
    )
    fields.finish()
    return plugin


def _read_arguments(fields: Fields) -> list[str]:
    value = fields.raw("args")
    if value is not None and (not isinstance(value, list) or not all(isinstance(item, str) for item in value)):
        fields.wrong("args", "expected a list of texts, got something else", "quote numbers and booleans")
        return []
    return value if isinstance(value, list) else []


def _read_value(fields: Fields) -> str:
    value = fields.raw("value")
    if value is not None and not isinstance(value, str):
        fields.wrong("value", "expected text, got something else", "quote it")
    return value if isinstance(value, str) else ""


def _read_cluster_config(cluster: Fields) -> str:
    for item in cluster.items("extensions"):
        if item.raw("name") == EXEC_EXTENSION:
            return json.dumps(item.raw("extension"))
    return ""

"""`meshctl proxy-config` on a directory."""

import json
from pathlib import Path

import pytest
import yaml

from tests.helpers.certificates import Authority
from tests.helpers.command_line import BROKEN, meshctl, write_mesh
from tests.helpers.small_worlds import istio, to, virtual


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A configuration."""
    return write_mesh(tmp_path)


def test_listeners_of_a_service(folder: str) -> None:
    """The walk's two rows."""
    result = meshctl("proxy-config", "listener", "--config-dir", folder, "--node", "client", "--address", "10.104.15.140", "--port", "80")
    assert [
        "ADDRESSES         PORT     MATCH                                    DESTINATION",
        "10.104.15.140     80       Trans: raw_buffer; App: http/1.1,h2c     Route: my-nginx.default.svc.cluster.local:80",
        "10.104.15.140     80       ALL                                      Cluster: outbound|80||my-nginx.default.svc.cluster.local",
    ] == result.stdout.splitlines()
    assert (0, "") == (result.exit_code, result.stderr)


def test_short_listeners(folder: str) -> None:
    """Without match and destination."""
    result = meshctl("pc", "listeners", "--config-dir", folder, "--node", "client", "--port", "80", "--no-verbose")
    assert ["ADDRESSES", "PORT", "TYPE"] == result.stdout.splitlines()[0].split()
    assert 3 == len(result.stdout.splitlines())


def test_endpoints(folder: str) -> None:
    """Both of the service."""
    result = meshctl("pc", "ep", "--config-dir", folder, "--node", "client", "--cluster", "outbound|80||my-nginx.default.svc.cluster.local")
    assert ["172.17.0.11:80", "172.17.0.13:80"] == [line.split()[0] for line in result.stdout.splitlines()[1:]]


@pytest.mark.parametrize(("kind", "key"), [
    ("listener", "name"), ("route", "name"), ("cluster", "name"), ("endpoint", "clusterName"), ("secret", "name"),
])
def test_json_and_yaml_say_the_same(folder: str, kind: str, key: str) -> None:
    """A list of Envoy's resources."""
    arguments = ("proxy-config", kind, "--config-dir", folder, "--node", "server", "-o")
    found = json.loads(meshctl(*arguments, "json").stdout)
    assert found == yaml.safe_load(meshctl(*arguments, "yaml").stdout)
    assert all(isinstance(resource[key], str) for resource in found)
    assert bool(found) == (kind != "secret")


def test_secrets_are_read_from_their_files(tmp_path: Path) -> None:
    """Those that listeners name; one that is not there is told, and no key is shown."""
    Authority().issue("here.example.com").write(tmp_path / "credentials" / "here", "tls")
    servers = ", ".join(
        f"{{port: {{number: {port}, name: https, protocol: HTTPS}}, hosts: [{name}.example.com], tls: {{mode: SIMPLE, credentialName: {name}}}}}"
        for port, name in ((443, "here"), (444, "gone"))
    )
    node = "{apiVersion: meshd.io/v1, kind: Node, metadata: {name: edge}, spec: {gateway: true, labels: {app: edge}, addresses: [10.0.0.1]}}"
    gateway = istio("Gateway", "g", f"selector: {{app: edge}}, servers: [{servers}]")
    (tmp_path / "a.yaml").write_text(f"{node}\n---\n{gateway}\n")
    result = meshctl("proxy-config", "secret", "--config-dir", str(tmp_path))
    assert [["kubernetes://here", "Cert"]] == [line.split()[:2] for line in result.stdout.splitlines()[1:]]
    assert 1 == result.exit_code
    assert "gone/tls.crt: expected a file that can be read" in result.stderr
    assert "PRIVATE KEY" not in meshctl("proxy-config", "all", "--config-dir", str(tmp_path), "-o", "json").stdout


def test_json_holds_the_whole_route(folder: str) -> None:
    """Every name of the service, and `*`."""
    name = "my-nginx.default.svc.cluster.local:80"
    found = json.loads(meshctl("pc", "r", "--config-dir", folder, "--node", "client", "--name", name, "-o", "json").stdout)
    domains = found[0]["virtualHosts"][0]["domains"]
    assert {"my-nginx", "my-nginx.default", "my-nginx.default.svc", "my-nginx.default.svc.cluster.local", "10.104.15.140", "*"} <= set(domains)


def test_all(folder: str) -> None:
    """One table after the other, or one object."""
    text = meshctl("proxy-config", "all", "--config-dir", folder, "--node", "server")
    assert ["SERVICE", "ADDRESSES", "NAME", "ENDPOINT", "RESOURCE"] == [table.split()[0] for table in text.stdout.split("\n\n")]
    found = json.loads(meshctl("proxy-config", "all", "--config-dir", folder, "--node", "server", "-o", "json").stdout)
    assert ["clusters", "listeners", "routes", "endpoints", "secrets"] == list(found)


def test_problems_are_told(tmp_path: Path) -> None:
    """On standard error; the table is printed, and the exit status is 1."""
    result = meshctl("pc", "c", "--config-dir", write_mesh(tmp_path, broken=BROKEN), "--node", "client")
    assert 1 == result.exit_code
    assert result.stdout.startswith("SERVICE FQDN")
    assert result.stderr.startswith("broken.yaml:6 (Service default/broken): ")


def test_without_anything_to_ask(tmp_path: Path) -> None:
    """No meshd and no configuration; or a machine chosen of none."""
    assert 1 == meshctl("pc", "c", "--run-dir", str(tmp_path)).exit_code
    assert 2 == meshctl("pc", "c", "--run-dir", str(tmp_path), "--node", "web-1").exit_code


def test_names_the_rules_behind_routes_and_clusters(tmp_path: Path) -> None:
    """In istioctl's columns, and in metadata."""
    rules = "\n---\n".join((
        virtual("way", f"hosts: [my-nginx], http: [{{{to('my-nginx', ', subset: v1')}}}]"),
        istio("DestinationRule", "care", "host: my-nginx, subsets: [{name: v1}]"),
    ))
    arguments = ("--config-dir", write_mesh(tmp_path, rules=rules), "--node", "client")
    routes, clusters = (meshctl("pc", kind, *arguments).stdout.splitlines() for kind in ("route", "cluster"))
    assert ["way.default"] == sorted({line.split()[-1] for line in routes if "my-nginx.default" in line})
    assert 2 == len([line for line in clusters if line.split()[-1] == "care.default" and " outbound " in line])

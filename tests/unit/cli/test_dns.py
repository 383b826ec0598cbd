"""`meshctl dns`."""

from pathlib import Path

import pytest

from meshd.dns.drop_ins import HEADER
from tests.helpers.command_line import meshctl

NODE = """\
apiVersion: meshd.io/v1
kind: Node
metadata: {name: web-1}
spec: {namespace: shop, addresses: ["10.0.0.7"], dns: DNS}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: shop}
spec: {hosts: [api.partner.example], ports: [{number: 443, name: tls, protocol: TLS}], resolution: DNS}
"""


def written(folder: Path, dns: str = "{enabled: true, meshOnly: true}") -> tuple[str, ...]:
    """Write a configuration, and a machine's file system beside it; gives the options that name the first."""
    (folder / "etc" / "systemd").mkdir(parents=True)
    (folder / "etc" / "dnsmasq.d").mkdir()
    (folder / "mesh.yaml").write_text(NODE.replace("DNS}", f"{dns}}}", 1))
    return "--config-dir", str(folder / "mesh.yaml")


def tree(folder: Path) -> dict[str, bytes]:
    """Give everything below a folder."""
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("resolver", ["resolved", "dnsmasq"])
def test_what_is_written_is_what_is_printed(tmp_path: Path, resolver: str) -> None:
    """And afterwards all is as it was, to the byte; installing twice is installing once."""
    where, root = written(tmp_path), ("--root", str(tmp_path))
    before = tree(tmp_path)
    printed = meshctl("dns", "print", "--for", resolver, *where)
    results = [meshctl("dns", "install", "--for", resolver, *where, *root) for _ in range(2)]
    assert [0, 0, 0] == [found.exit_code for found in (printed, *results)]
    [new] = set(tree(tmp_path).items()) - set(before.items()) - {(str(tmp_path / "etc/systemd/resolved.conf.d"), b"")}
    assert (printed.stdout.encode(), True) == (new[1], "api.partner.example" in printed.stdout)
    assert f"wrote {new[0]}; now: systemctl restart" in results[0].stdout
    assert [f"removed {new[0]}; now: systemctl restart", "nothing of meshd is there"] == [
        meshctl("dns", "remove", *root).stdout.strip().rsplit(" ", 1)[0] if number == 0 else meshctl("dns", "remove", *root).stdout.strip()
        for number in range(2)
    ]
    assert before == tree(tmp_path)


def test_somebody_elses_file_is_left_alone(tmp_path: Path) -> None:
    """When writing and when removing."""
    where, root = written(tmp_path), ("--root", str(tmp_path))
    path = tmp_path / "etc" / "dnsmasq.d" / "meshd.conf"
    path.write_text("server=10.0.0.2\n")
    result = meshctl("dns", "install", "--for", "dnsmasq", *where, *root)
    assert (1, True) == (result.exit_code, "is somebody else's" in result.stderr)
    meshctl("dns", "remove", *root)
    assert "server=10.0.0.2\n" == path.read_text()


@pytest.mark.parametrize("dns", ["{enabled: true}", "{enabled: false, meshOnly: true}"])
def test_questions_must_not_go_round(tmp_path: Path, dns: str) -> None:
    """A meshd that passes questions on would ask the resolver that asks it."""
    result = meshctl("dns", "print", "--for", "resolved", *written(tmp_path, dns))
    assert (1, "", True) == (result.exit_code, result.stdout, "spec.dns: expected enabled and meshOnly to be true" in result.stderr)


def test_a_resolver_that_is_not_there(tmp_path: Path) -> None:
    """Nothing is made up for it."""
    where = written(tmp_path)
    result = meshctl("dns", "install", "--for", "resolved", *where, "--root", str(tmp_path / "elsewhere"))
    assert (1, True) == (result.exit_code, "is the resolver installed?" in result.stderr)


def test_the_mark_of_our_files() -> None:
    """Files of earlier versions are known by it."""
    assert "# Written by `meshctl dns install`, removed by `meshctl dns remove`.\n" == HEADER

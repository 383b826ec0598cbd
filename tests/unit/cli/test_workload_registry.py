"""`meshctl registry`."""

import json
from pathlib import Path
from time import time

import pytest

from meshd.cli import live
from meshd.registry.certificate import fingerprint
from meshd.registry.service import FOLDER
from meshd.registry.tokens import TokenFile, parse_secret
from tests.helpers.certificates import Authority
from tests.helpers.command_line import meshctl

STATUS = {"registry": {"serves": {"registered": [
    {"name": "shop/web-10.0.0.1", "address": "10.0.0.1", "health": "unhealthy", "reason": "refused", "token": "t", "connected": 0, "heard": 1.5,
     "served": True},
    {"name": "shop/db-10.0.0.2", "address": "10.0.0.2", "health": "healthy", "reason": "", "token": "t", "connected": None, "heard": 0.1,
     "served": False},
]}}}  # fmt: skip


def token(tmp_path: Path, *words: str):
    """Run `meshctl registry token`."""
    return meshctl("registry", "token", *words, "--state-dir", str(tmp_path))


def test_a_token_is_printed_once_and_counts(tmp_path):
    """It carries the digest of the certificate that the registry will have."""
    made = token(tmp_path, "create", "--group", "shop/web", "--group", "bank/*", "--expires", "1h", "--address", "10.0.0.0/8", "--label", "version",
                 "--name", "web-vms")
    assert 0 == made.exit_code
    found = TokenFile(tmp_path / FOLDER, time).find(made.stdout)
    assert found is not None
    assert ("web-vms", "join", ("shop/web", "bank/*"), ("10.0.0.0/8",), ("version",)) == (
        found.name, found.use, found.groups, found.addresses, found.labels,
    )
    assert found.expires is not None
    assert 3590 < found.expires - time() <= 3600
    assert fingerprint(tmp_path / FOLDER / "tls.crt") == parse_secret(made.stdout).pin


def test_lists_and_revokes(tmp_path):
    """By name; secrets and their digests are not shown."""
    made = token(tmp_path, "create", "--read", "--name", "all")
    listed = token(tmp_path, "list")
    assert "NAME     USE      GROUPS     EXPIRES\nall      read     -          never\n" == listed.stdout
    [found] = json.loads(token(tmp_path, "list", "-o", "json").stdout)
    assert ("all", "read", False) == (found["name"], found["use"], "digest" in found)
    assert (0, "token all is revoked\n") == (lambda result: (result.exit_code, result.stdout))(token(tmp_path, "revoke", "all"))
    assert TokenFile(tmp_path / FOLDER, time).find(made.stdout) is None
    assert (1, "meshctl: there is no token all\n") == (lambda result: (result.exit_code, result.stderr))(token(tmp_path, "revoke", "all"))


def test_another_certificate(tmp_path):
    """The Node's own, or none that tokens speak of."""
    certificate, _ = Authority().issue("r").write(tmp_path, "own")
    made = token(tmp_path, "create", "--read", "--certificate", certificate)
    assert fingerprint(Path(certificate)) == parse_secret(made.stdout).pin
    assert "" == parse_secret(token(tmp_path, "create", "--read", "--certificate", "-").stdout).pin


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "give the groups that it may join, or --read"),
        (("--read", "--group", "a/b"), "give the groups that it may join, or --read"),
        (("--group", "web"), "--group: expected NAMESPACE/NAME or NAMESPACE/*, got 'web'"),
        (("--group", "*/web"), "--group: expected NAMESPACE/NAME or NAMESPACE/*, got '*/web'"),
        (("--read", "--address", "x"), "--address: expected"),
        (("--read", "--expires", "soon"), "--expires: expected"),
        (("--read", "--name", "a.b"), "--name: expected letters, digits and -"),
    ],
)
def test_wrong_usage(tmp_path, words, expected):
    """Nothing is made then."""
    result = token(tmp_path, "create", *words)
    assert (2, True) == (result.exit_code, expected in result.stderr)
    assert [] == TokenFile(tmp_path / FOLDER, time).tokens()


def test_names_are_taken_once(tmp_path):
    """The first token stays."""
    first = token(tmp_path, "create", "--read", "--name", "a")
    assert 2 == token(tmp_path, "create", "--read", "--name", "a").exit_code
    assert TokenFile(tmp_path / FOLDER, time).find(first.stdout) is not None


def test_lists_workloads(monkeypatch):
    """How they are; a meshd that is no registry has none."""
    monkeypatch.setattr(live, "get_json", lambda run_dir, page: STATUS)
    lines = meshctl("registry", "list").stdout.splitlines()
    assert ["NAME", "ADDRESS", "HEALTH", "AGE", "HEARD", "TOKEN"] == lines[0].split()
    assert "unhealthy (refused)" in lines[1]
    assert "healthy, without a group     0s      0.1s ago     t" in lines[2]
    assert STATUS["registry"]["serves"]["registered"] == json.loads(meshctl("registry", "list", "-o", "json").stdout)
    monkeypatch.setattr(live, "get_json", lambda run_dir, page: {"registry": None})
    result = meshctl("registry", "list")
    assert (1, "meshctl: this meshd is no registry; its Node has no registry.serve\n") == (result.exit_code, result.stderr)

"""`meshctl capture`; what needs a kernel is in the integration tests."""

from pathlib import Path

import pytest

from tests.helpers.command_line import meshctl, write_mesh
from tests.helpers.fake_kernel import FakeKernel


@pytest.fixture
def kernel() -> FakeKernel:
    """A kernel in place of this machine's."""
    return FakeKernel()


def test_prints_the_rules_of_the_node(tmp_path: Path) -> None:
    """With its own settings; the kernel is not asked."""
    result = meshctl("capture", "print", "--config-dir", write_mesh(tmp_path), "--node", "server")
    assert 0 == result.exit_code
    assert result.stdout.startswith("table inet meshd {\n")
    assert "\t\ttcp dport 9100 counter return\n" in result.stdout


def test_prints_for_another_backend(tmp_path: Path) -> None:
    """As the option says."""
    result = meshctl("capture", "print", "--config-dir", write_mesh(tmp_path), "--node", "server", "--backend", "iptables-nft")
    assert result.stdout.startswith("# iptables\n*nat\n")


def test_apply_verify_remove(tmp_path: Path, kernel: FakeKernel) -> None:
    """One after the other, with the exit status that tells."""
    where = ("--config-dir", write_mesh(tmp_path), "--node", "server")
    before = str(kernel.state())
    calls = [("verify", *where), ("apply", *where), ("apply", *where), ("verify", *where), ("remove",), ("remove",)]
    results = [meshctl("capture", *call, runner=kernel) for call in calls]
    assert [1, 0, 0, 0, 0, 0] == [result.exit_code for result in results]
    assert [
        "nftables: table inet meshd: is missing\n",
        "capture rules are in the kernel (nftables); applied\n",
        "capture rules are in the kernel (nftables); nothing had to change\n",
        "the kernel's rules are those of the configuration\n",
        "removed: nftables\n",
        "no rules of meshd are in the kernel\n",
    ] == [result.stdout for result in results]
    assert before == str(kernel.state())


def test_drift_as_json(tmp_path: Path, kernel: FakeKernel) -> None:
    """For programs."""
    result = meshctl("capture", "verify", "--config-dir", write_mesh(tmp_path), "--node", "server", "-o", "json", runner=kernel)
    assert 1 == result.exit_code
    assert '"place": "table inet meshd"' in result.stdout


@pytest.mark.parametrize("spec", ["gateway: true", "capture: {enabled: false}"])
def test_a_node_that_captures_nothing(tmp_path: Path, kernel: FakeKernel, spec: str) -> None:
    """Has no rules, and loses those it had."""
    (tmp_path / "node.yaml").write_text(f"apiVersion: meshd.io/v1\nkind: Node\nmetadata: {{name: edge}}\nspec: {{{spec}}}\n")
    result = meshctl("capture", "apply", "--config-dir", str(tmp_path), runner=kernel)
    assert (0, "nothing is to be captured; no rules are in the kernel\n") == (result.exit_code, result.stdout)
    assert {} == kernel.tables


def test_an_unclear_node_is_refused(tmp_path: Path, kernel: FakeKernel) -> None:
    """Rather than another machine's rules."""
    result = meshctl("capture", "apply", "--config-dir", write_mesh(tmp_path), "--node", "ghost", runner=kernel)
    assert (1, "") == (result.exit_code, result.stdout)
    assert "name it with --node" in result.stderr
    assert {} == kernel.tables


@pytest.mark.parametrize(("document", "expected"), [
    (None, 1),
    ("a: [", 1),
    ("apiVersion: meshd.io/v1\nkind: Node\nmetadata: {name: web}\nspec: {capture: {enabled: perhaps}}\n", 1),
    ("apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {ports: [{port: 0}]}\n", 0),
])
def test_applies_nothing_where_the_node_may_be_hidden(tmp_path: Path, kernel: FakeKernel, document: str | None, expected: int) -> None:
    """Its settings may say what is to be left alone; other documents' faults do not matter."""
    if document is not None:
        (tmp_path / "conf").mkdir()
        (tmp_path / "conf" / "a.yaml").write_text(document)
    result = meshctl("capture", "apply", "--config-dir", str(tmp_path / "conf"), runner=kernel)
    assert (expected, expected == 1) == (result.exit_code, {} == kernel.tables)
    assert (expected == 1) == ("nothing was done" in result.stderr)


def test_wrong_settings_are_told(tmp_path: Path, kernel: FakeKernel) -> None:
    """With file and field; nothing is done."""
    (tmp_path / "node.yaml").write_text(
        "apiVersion: meshd.io/v1\nkind: Node\nmetadata: {name: web}\nspec: {capture: {excludeUids: [nobody-such-user]}}\n",
    )
    result = meshctl("capture", "apply", "--config-dir", str(tmp_path), runner=kernel)
    assert (1, "") == (result.exit_code, result.stdout)
    assert "(Node web): spec.capture.excludeUids[0]: expected" in result.stderr
    assert {} == kernel.tables


def test_missing_tools_are_told(tmp_path: Path) -> None:
    """In one line."""
    result = meshctl("capture", "apply", "--config-dir", write_mesh(tmp_path), "--node", "server", runner=FakeKernel(missing={"nft"}))
    assert (1, "meshctl: nft is not installed (Debian package nftables)\n") == (result.exit_code, result.stderr)

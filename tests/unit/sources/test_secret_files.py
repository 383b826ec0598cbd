"""Certificates and keys in files."""

import os
from base64 import b64encode

import attrs
import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from twisted.internet.task import Clock

from meshd.base.origins import Origin
from meshd.model.kube_secret import KubeSecret
from meshd.model.metadata import Metadata
from meshd.snapshot.secret import Secret
from meshd.sources.secret_files import INTERVAL, MOST_BYTES, SecretFiles, system_roots
from tests.helpers.certificates import Authority

ROOT = Authority()
LEAF, OTHER = ROOT.issue("a.test"), ROOT.issue("b.test")
GATEWAY = Origin("edge.yaml", 3, "Gateway", "default", "edge")


@pytest.fixture
def folder(tmp_path):
    """Give a folder with a credential, and files beside it."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "tls.crt").write_text(LEAF.chain + ROOT.chain)
    (tmp_path / "x" / "tls.key").write_text(LEAF.key)
    (tmp_path / "x" / "ca.crt").write_text("# ours\n" + ROOT.chain)
    OTHER.write(tmp_path, "other")
    return tmp_path


def find(files, *names):
    """Find secrets for the Gateway."""
    return files.find([(name, GATEWAY) for name in names])


def test_reads_what_is_named(folder):
    """Credentials by their keys, files by their paths; the machine's identity comes otherwise."""
    files = SecretFiles(str(folder))
    pair = f"file-cert:{folder}/other.crt~{folder}/other.key"
    assert {
        "kubernetes://x": Secret("kubernetes://x", LEAF.chain + ROOT.chain, LEAF.key),
        "kubernetes://x-cacert": Secret("kubernetes://x-cacert", trusted_ca=ROOT.chain),
        pair: Secret(pair, OTHER.chain, OTHER.key),
        f"file-root:{folder}/other.crt": Secret(f"file-root:{folder}/other.crt", trusted_ca=OTHER.chain),
    } == find(files, "kubernetes://x", "kubernetes://x-cacert", pair, f"file-root:{folder}/other.crt", "default", "ROOTCA")
    assert () == files.problems


def foreign(found: bytes, other: bytes) -> str:
    """Give the certificate with some of its bytes exchanged."""
    der = LEAF.certificate.public_bytes(Encoding.DER)
    assert found in der
    return f"-----BEGIN CERTIFICATE-----\n{b64encode(der.replace(found, other)).decode()}\n-----END CERTIFICATE-----\n"


def locked() -> str:
    """Give a key with a password."""
    return LEAF.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()


@pytest.mark.parametrize(("file", "content", "said"), [
    ("tls.crt", None, "tls.crt: expected a file that can be read: No such file or directory"),
    ("tls.crt", "", f"tls.crt: expected a file of 1 to {MOST_BYTES} bytes"),
    ("tls.crt", "hello", "tls.crt: expected certificates in PEM, found none"),
    ("tls.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
     "tls.crt: expected certificates in PEM, found one that cannot be read"),
    ("tls.crt", foreign(b"\xa0\3\2\1\2", b"\xa0\3\2\1\7"), "tls.crt: expected certificates in PEM, found one that cannot be read (7 is not"),
    ("tls.crt", foreign(b"\x2a\x86\x48\xce\x3d\3\1\7", b"\x2a\x86\x48\xce\x3d\3\1\6"),
     "tls.crt: expected a certificate of a key that can be used, found another one (Curve 1.2.840.10045.3.1.6 is not supported)"),
    ("tls.key", OTHER.key, "tls.key: expected the private key of the certificate in "),
    ("tls.key", "hello", "tls.key: expected a private key in PEM, found something else"),
    ("tls.key", locked(), "tls.key: expected a private key without a password"),
])
def test_what_is_of_no_use(folder, file, content, said):
    """It is told of with the resource that asks for it, and left out; the last good version stays."""
    files = SecretFiles(str(folder))
    good = find(files, "kubernetes://x")
    (folder / "x" / file).unlink()
    if content is not None:
        (folder / "x" / file).write_text(content)
    fresh = SecretFiles(str(folder))
    for asked, found, hint in (
        (fresh, {}, "TLS that needs it is closed until it is mended"), (files, good, "the last good version is used"),
    ):
        assert found == find(asked, "kubernetes://x", "kubernetes://x")
        (problem,) = asked.problems
        assert (GATEWAY, hint) == (problem.origin, problem.hint)
        assert said in problem.message
        assert "PRIVATE" not in str(problem)


def test_what_is_no_file(folder):
    """A pipe that nobody writes to, or a device without an end: nothing is waited for, and nothing read."""
    os.mkfifo(folder / "pipe")
    files = SecretFiles(str(folder))
    for path in (str(folder / "pipe"), "/dev/zero"):
        assert {} == find(files, f"file-root:{path}")
        assert f"{path}: expected a file of 1 to {MOST_BYTES} bytes" == files.problems[0].message


def test_lists_of_revoked_certificates(folder):
    """As they are; what is none is told of."""
    path = folder / "x" / "revoked"
    files = SecretFiles(str(folder))
    for content, said in (("hello", "found none"), ("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----", "found one that cannot be read")):
        path.write_text(content)
        assert {} == find(files, f"file-crl:{path}")
        assert said in files.problems[0].message
    path.write_text(ROOT.revoke(LEAF))
    assert ROOT.revoke(LEAF).count("\n") == find(files, f"file-crl:{path}")[f"file-crl:{path}"].revoked.count("\n")


@pytest.mark.parametrize("name", ["kubernetes://../x", "kubernetes:///etc/x", "somewhere"])
def test_names_that_lead_elsewhere(folder, name):
    """No path but the one that was meant."""
    files = SecretFiles(str(folder / "x"))
    assert {} == find(files, name)
    assert 1 == len(files.problems)


def test_a_changed_file_is_told_of(folder):
    """Also one that was missing and comes; nothing is looked at that nobody asked for."""
    clock, changes = Clock(), []
    files = SecretFiles(str(folder), clock, lambda: changes.append(find(files, "kubernetes://x", "kubernetes://late")))
    clock.advance(INTERVAL)
    assert [] == clock.getDelayedCalls()
    find(files, "kubernetes://x", "kubernetes://late")
    clock.advance(INTERVAL)
    assert [] == changes
    (folder / "x" / "tls.key").write_text(OTHER.key)
    clock.advance(INTERVAL)
    (folder / "late").mkdir()
    (folder / "late" / "tls.crt").write_text(OTHER.chain)
    (folder / "late" / "tls.key").write_text(OTHER.key)
    clock.advance(INTERVAL)
    clock.advance(INTERVAL)
    assert [["kubernetes://x"], ["kubernetes://x", "kubernetes://late"]] == [list(found) for found in changes]
    files.stop()
    assert [] == clock.getDelayedCalls()


def test_files_that_are_the_same_are_read_once(folder):
    """However often they are asked for, and by how many."""
    files = SecretFiles(str(folder))
    first = find(files, "kubernetes://x", "kubernetes://x-cacert", "kubernetes://x")
    again = files.find([("kubernetes://x", GATEWAY), ("kubernetes://x", Origin("other.yaml")), ("kubernetes://x-cacert", GATEWAY)])
    assert first == again
    assert first["kubernetes://x"] is again["kubernetes://x"]


def test_a_fault_is_told_to_everyone_who_asks(tmp_path):
    """Each with its own file and line."""
    files = SecretFiles(str(tmp_path))
    files.find([("kubernetes://x", GATEWAY), ("kubernetes://x", Origin("other.yaml")), ("kubernetes://x", GATEWAY)])
    assert ["edge.yaml", "other.yaml"] == [problem.origin.file for problem in files.problems]


def test_the_roots_of_the_machine():
    """Where it has them, or where Debian does."""
    assert os.path.isabs(system_roots())


def test_secrets_stand_in_for_folders(folder):
    """In the namespace that asks, or that is named; a folder goes before them, and one that changes is taken up."""
    world = {
        ("edge", "y"): KubeSecret(Metadata("y", Origin("s.yaml", 1, "Secret", "edge", "y"), "edge"), LEAF.chain, LEAF.key, ROOT.chain),
        ("shop", "z"): KubeSecret(Metadata("z", Origin("s.yaml", 9, "Secret", "shop", "z"), "shop"), OTHER.chain, OTHER.key),
        ("edge", "x"): KubeSecret(Metadata("x", Origin("s.yaml", 20), "edge"), OTHER.chain, OTHER.key),
        ("edge", "m-cacert"): KubeSecret(Metadata("m-cacert", Origin("s.yaml", 30), "edge"), trusted_ca=OTHER.chain),
    }
    files = SecretFiles(str(folder), find_secret=lambda namespace, name: world.get((namespace, name)), namespace="edge")
    found = find(files, "kubernetes://y", "kubernetes://y-cacert", "kubernetes-gateway://shop/z", "kubernetes://x", "kubernetes://m-cacert")
    assert () == files.problems
    assert (LEAF.chain, LEAF.key) == (found["kubernetes://y"].certificate_chain, found["kubernetes://y"].private_key)
    assert ROOT.chain == found["kubernetes://y-cacert"].trusted_ca
    assert OTHER.key == found["kubernetes-gateway://shop/z"].private_key
    assert LEAF.key == found["kubernetes://x"].private_key
    assert OTHER.chain == found["kubernetes://m-cacert"].trusted_ca
    world["edge", "y"] = attrs.evolve(world["edge", "y"], certificate=OTHER.chain, private_key=OTHER.key)
    assert OTHER.key == find(files, "kubernetes://y")["kubernetes://y"].private_key
    world["edge", "y"] = attrs.evolve(world["edge", "y"], private_key="")
    assert OTHER.key == find(files, "kubernetes://y")["kubernetes://y"].private_key
    assert "expected tls.key in s.yaml:1 (Secret edge/y), found none" in files.problems[0].message
    assert {} == find(SecretFiles(str(folder), find_secret=lambda *_: world["shop", "z"]), "kubernetes://../shop/z")

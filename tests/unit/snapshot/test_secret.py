"""Secrets as values."""

import pytest

from meshd.snapshot.secret import SYSTEM, Secret, certificate_files, certificate_name, is_safe, pem_blocks, root_file
from tests.helpers.certificates import Authority


def test_a_private_key_is_not_shown():
    """Neither in logs nor in messages."""
    found = repr(Secret("default", "CERTIFICATE", "PRIVATE", "ROOT"))
    assert (True, False) == ("CERTIFICATE" in found, "PRIVATE" in found)


@pytest.mark.parametrize(("name", "files", "root"), [
    (certificate_name("/c", "/k"), ("/c", "/k"), ""), ("file-root:/r", None, "/r"), (SYSTEM, None, ""), ("default", None, ""),
    ("kubernetes://x", ("/creds/x/tls.crt", "/creds/x/tls.key"), ""),
    ("kubernetes-gateway://ns/x", ("/creds/ns/x/tls.crt", "/creds/ns/x/tls.key"), ""),
    ("kubernetes-gateway://ns/x-cacert", ("/creds/ns/x-cacert/tls.crt", "/creds/ns/x-cacert/tls.key"), "/creds/ns/x/ca.crt"),
    ("kubernetes://x-cacert", ("/creds/x-cacert/tls.crt", "/creds/x-cacert/tls.key"), "/creds/x/ca.crt"),
])
def test_names_say_which_files(name, files, root):
    """Those that have files."""
    assert (files, root) == (certificate_files(name, "/creds"), root_file(name, "/creds"))


@pytest.mark.parametrize(("name", "expected"), [
    ("x", True), ("shop/x", True), ("x-cacert", True),
    ("../x", False), ("x/../y", False), ("a/b/c", False), ("/x", False), ("", False), (".x", False),
])
def test_names_lead_nowhere_else(name, expected):
    """A credential lies in its own folder."""
    assert expected is is_safe(f"kubernetes://{name}")


def test_the_certificates_of_a_text():
    """What stands between them is dropped."""
    one, other = Authority(), Authority()
    assert [one.chain, other.chain] == list(pem_blocks(f"# a\n{one.chain}\nsubject=x\n{other.chain}-----BEGIN CERTIFICATE-----\ncut"))

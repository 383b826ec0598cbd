"""The registry's certificate."""

import hashlib
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from meshd.base.errors import ConfigurationError
from meshd.registry.certificate import ServerContext, fingerprint, own_certificate
from tests.helpers.certificates import Authority


def test_makes_one_once(tmp_path):
    """For the machine's names and addresses; only the owner may read the key."""
    certificate, key = own_certificate(tmp_path / "registry", ["web-1", "10.0.0.1", "fd00::1", "bücher"])
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ["web-1"] == names.get_values_for_type(x509.DNSName)
    assert ["10.0.0.1", "fd00::1"] == [str(one) for one in names.get_values_for_type(x509.IPAddress)]
    assert 0o600 == key.stat().st_mode & 0o777
    assert fingerprint(certificate) == hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest()
    before = fingerprint(certificate)
    assert (certificate, key) == own_certificate(tmp_path / "registry", ["other"])
    assert before == fingerprint(certificate)


def test_a_place_that_cannot_be_written_to(tmp_path):
    """Is told of."""
    (tmp_path / "x").write_text("")
    with pytest.raises(ConfigurationError, match="expected a directory that can be written to"):
        own_certificate(tmp_path / "x", [])


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_tells_what_is_no_certificate(tmp_path, content):
    """Missing, or something else."""
    with pytest.raises(ConfigurationError, match="expected a certificate in PEM"):
        fingerprint(tmp_path / "none")
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ConfigurationError, match="expected a certificate in PEM"):
        fingerprint(tmp_path / "x")


class ServerContextTests(SynchronousTestCase):
    """Files that change under a registry."""

    @pytest.fixture(autouse=True)
    def _in_a_folder(self, tmp_path):
        """Work in a folder of its own."""
        self.folder = tmp_path

    def setUp(self):
        """Begin."""
        self.authority = Authority()

    def write(self, issued):
        """Write a certificate; give its files."""
        return [Path(path) for path in issued.write(self.folder, "tls")]

    def test_what_changed_is_read_again(self):
        """The same context serves until then."""
        files = self.write(self.authority.issue("a"))
        context = ServerContext(*files)
        first = context.getContext()
        self.assertIs(first, context.getContext())
        self.write(self.authority.issue("b"))
        self.assertIsNot(first, context.getContext())

    def test_what_cannot_be_used_leaves_what_was(self):
        """A key of another certificate, half a file, none at all."""
        files = self.write(self.authority.issue("a"))
        context = ServerContext(*files)
        first = context.getContext()
        for content in (self.authority.issue("b").key, "nonsense", None):
            if content is None:
                files[1].unlink()
            else:
                files[1].write_text(content)
            self.assertIs(first, context.getContext())

    def test_the_first_must_be_of_use(self):
        """Else there is no registry."""
        certificate, _ = self.write(self.authority.issue("a"))
        with pytest.raises(ConfigurationError, match="which cannot be used"):
            ServerContext(certificate, certificate)

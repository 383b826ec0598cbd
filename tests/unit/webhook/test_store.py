"""Where the authority is kept."""

from datetime import UTC, datetime

import pytest
from twisted.trial.unittest import SynchronousTestCase

from meshd.kubernetes.client import ApiError
from meshd.webhook.authority import AuthorityError, make_authority
from meshd.webhook.store import FolderStore, SecretStore, secret_document
from tests.helpers.api_server import ApiServer, done

PATH = "/api/v1/namespaces/mesh/secrets/meshd-webhook-ca"
ONE, OTHER = (make_authority(datetime(2026, 11, 28, tzinfo=UTC)) for _ in range(2))


class SecretStoreTests(SynchronousTestCase):
    """In a Secret."""

    def setUp(self):
        """Begin with an API server that holds nothing."""
        self.server = ApiServer()
        self.store = SecretStore(self.server, "mesh")

    def test_keeps(self):
        """What was saved is loaded, by others too; the second time it takes the place of the first."""
        self.assertIsNone(done(self.store.load()))
        self.assertTrue(done(self.store.save(ONE)))
        other = SecretStore(self.server, "mesh")
        self.assertEqual(ONE, done(other.load()))
        self.assertTrue(done(other.save(OTHER)))
        self.assertEqual(OTHER, done(self.store.load()))
        self.assertEqual("Opaque", self.server.objects[PATH]["type"])

    def test_only_one_of_two_is_the_first(self):
        """The other is told, and loads what there is; so with renewals."""
        other = SecretStore(self.server, "mesh")
        done(self.store.load())
        done(other.load())
        self.assertEqual([True, False], [done(store.save(found)) for store, found in ((self.store, ONE), (other, OTHER))])
        done(self.store.load())
        done(other.load())
        self.assertEqual([True, False], [done(store.save(OTHER)) for store in (self.store, other)])

    def test_faults_are_the_servers(self):
        """Whatever is not about being there."""
        self.server.faults["GET"] = ApiError("GET", 403, "Forbidden")
        with pytest.raises(ApiError, match="403"):
            done(self.store.load())
        self.server.faults["POST"] = ApiError("POST", 500)
        with pytest.raises(ApiError, match="500"):
            done(self.store.save(ONE))

    def test_what_is_no_authority(self):
        """Is told with what to do."""
        for content in ({}, {"data": 3}, {"data": {"ca.crt": "!", "ca.key": 4}}, {"data": {"ca.crt": "/w==", "ca.key": "/w=="}}):
            self.server.objects[PATH] = {**secret_document("mesh"), **content}
            with pytest.raises(AuthorityError, match="Secret mesh/meshd-webhook-ca: expected certificates in PEM, got something else; remove"):
                done(self.store.load())


def test_a_folder_keeps(tmp_path):
    """For its owner alone."""
    folder = tmp_path / "webhook"
    store = FolderStore(folder)
    assert done(store.load()) is None
    assert [True, True] == [done(store.save(ONE)), done(store.save(OTHER))]
    assert OTHER == done(FolderStore(folder).load())
    assert {"ca.crt": 0o600, "ca.key": 0o600} == {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert 0o700 == folder.stat().st_mode & 0o777


def test_a_folder_that_holds_something_else(tmp_path):
    """Is told of, and left as it is."""
    (tmp_path / "ca.crt").write_text(ONE.bundle)
    (tmp_path / "ca.key").write_text(OTHER.key)
    with pytest.raises(AuthorityError, match="expected the key of the first certificate, got another one; remove it"):
        done(FolderStore(tmp_path).load())
    (tmp_path / "ca.key").unlink()
    (tmp_path / "ca.key").mkdir()
    with pytest.raises(AuthorityError, match="expected readable files: Is a directory"):
        done(FolderStore(tmp_path).load())
    with pytest.raises(AuthorityError, match="expected a folder that can be written to"):
        done(FolderStore(tmp_path / "ca.crt").save(ONE))
    assert ONE.bundle == (tmp_path / "ca.crt").read_text()

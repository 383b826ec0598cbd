"""The webhook's authority."""

from datetime import UTC, datetime, timedelta

import attrs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.verification import PolicyBuilder, Store

from meshd.webhook.authority import AUTHORITY_LIFE, LEAF_LIFE, MAX_BUNDLE, AuthorityError, make_authority, wall_time

NOW = datetime(2026, 11, 28, tzinfo=UTC)
DAY = timedelta(days=1)


def certificates(text):
    """Read certificates."""
    return x509.load_pem_x509_certificates(text.encode())


def believed(bundle, leaf, name, moment):
    """Verify a server's certificate as a client would."""
    verifier = PolicyBuilder().store(Store(certificates(bundle))).time(moment).build_server_verifier(x509.DNSName(name))
    return verifier.verify(certificates(leaf.chain)[0], [])


def test_a_server_is_believed():
    """By its name and its address, from a little before to its end."""
    authority = make_authority(NOW)
    leaf = authority.issue(["meshd-webhook.istio-system.svc", "10.0.0.7"], NOW)
    for moment in (NOW - timedelta(minutes=4), NOW, NOW + LEAF_LIFE - DAY):
        assert 2 == len(believed(authority.bundle, leaf, "meshd-webhook.istio-system.svc", moment))
    names = certificates(leaf.chain)[0].extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert ["10.0.0.7"] == [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    assert (NOW + AUTHORITY_LIFE, NOW + LEAF_LIFE) == (authority.ends(), leaf.ends)


def test_servers_of_before_and_after_a_renewal_are_believed():
    """While both authorities live; those that have ended are left out."""
    old = make_authority(NOW)
    leaf = old.issue(["a.example"], NOW)
    new = old.renewed(NOW + DAY)
    assert 2 == new.bundle.count("BEGIN CERTIFICATE")
    assert believed(new.bundle, leaf, "a.example", NOW + DAY)
    assert believed(new.bundle, new.issue(["a.example"], NOW + DAY), "a.example", NOW + DAY)
    assert 2 == new.renewed(NOW + AUTHORITY_LIFE + timedelta(hours=1)).bundle.count("BEGIN CERTIFICATE")


def test_a_server_never_outlives_its_authority():
    """Or it would be shown without being believed."""
    authority = make_authority(NOW)
    assert authority.ends() == authority.issue(["a.example"], NOW + AUTHORITY_LIFE - DAY).ends


def rsa_key():
    """Give a key of another sort."""
    return rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(("changes", "said"), [
    ({"bundle": ""}, "expected certificates in PEM, got something else"),
    ({"bundle": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}, "expected certificates in PEM"),
    ({"bundle": "x" * (MAX_BUNDLE + 1)}, f"expected certificates of at most {MAX_BUNDLE} bytes, got more"),
    ({"key": ""}, "expected a private key in PEM, got something else"),
    ({"key": make_authority(NOW).key}, "expected the key of the first certificate, got another one"),
    ({"key": rsa_key()}, "expected a key of an elliptic curve, got another one"),
])
def test_what_cannot_sign(changes, said):
    """Is told before it is used."""
    with pytest.raises(AuthorityError, match=said):
        attrs.evolve(make_authority(NOW), **changes).check()


def test_keys_are_not_shown():
    """Not even in a traceback."""
    authority = make_authority(NOW)
    assert "PRIVATE" not in repr(authority) + repr(authority.issue(["a.example"], NOW))


def test_moments():
    """With their zone."""
    assert datetime(1970, 1, 2, tzinfo=UTC) == wall_time(86400.0)

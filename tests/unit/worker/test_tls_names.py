"""Whether a certificate is for a name."""

import pytest

from meshd.worker.tls_names import matches
from tests.helpers.certificates import Authority

ROOT = Authority()
CERTIFICATE = ROOT.issue("a.test", "*.b.test", "10.0.0.1", "spiffe://x/ns/y").certificate


@pytest.mark.parametrize(("names", "prefixes", "expected"), [
    ((), (), True), (("a.test",), (), True), (("A.test",), (), True), (("b.test",), (), False), (("x.b.test",), (), True),
    (("x.y.b.test",), (), False), ((".b.test",), (), False), (("10.0.0.1",), (), True), (("spiffe://x/ns/y",), (), True),
    (("SPIFFE://x/ns/y",), (), False), (("nobody", "a.test"), (), True), ((), ("spiffe://x/",), True), ((), ("spiffe://z/",), False),
    (("nobody",), ("spiffe://x/",), True),
])
def test_which_names_it_is_for(names, prefixes, expected):
    """One of those asked for suffices; a wildcard stands for one label."""
    assert expected is matches(CERTIFICATE, names, prefixes)


def test_a_certificate_without_names():
    """Its common name does not count."""
    assert not matches(ROOT.certificate, ("root",), ())

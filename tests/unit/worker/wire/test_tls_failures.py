"""What OpenSSL says of a failure, in Envoy's words."""

import errno

import pytest
from OpenSSL import SSL

from meshd.worker.wire.tls_failures import Check, failure_of


class Told:
    """A connection with what the check of a certificate said."""

    def __init__(self, said=None):
        self.check = None if said is None else Check("a.test")
        if self.check is not None:
            self.check.said = said

    def get_app_data(self):
        """Give it."""
        return self.check


@pytest.mark.parametrize(("error", "said", "expected"), [
    (SSL.SysCallError(-1, "Unexpected EOF"), None, (0, "")),
    (SSL.SysCallError(errno.ECONNRESET, "ECONNRESET"), None, (errno.ECONNRESET, "")),
    (SSL.Error([("SSL routines", "", "certificate verify failed")]), "verify SAN list", (
        errno.EPROTO,
        "TLS_error:|268435581:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify cert failed: verify SAN list:TLS_error_end",
    )),
    (SSL.Error([("SSL routines", "", "tlsv1 alert unknown ca")]), None,
     (errno.EPROTO, "TLS_error:|268436504:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA:TLS_error_end")),
    (SSL.Error([("SSL routines", "", "ssl/tls alert handshake failure")]), "",
     (errno.EPROTO, "TLS_error:|268436496:SSL routines:OPENSSL_internal:SSLV3_ALERT_HANDSHAKE_FAILURE:TLS_error_end")),
    (SSL.Error([("SSL routines", "", "peer did not return a certificate")]), None, (
        errno.EPROTO, "TLS_error:|268435648:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE:peer did not provide required client "
                      "certificate:TLS_error_end",
    )),
    (SSL.Error([("SSL routines", "", "something new")]), None,
     (errno.EPROTO, "TLS_error:|268435456:SSL routines:OPENSSL_internal:SOMETHING_NEW:TLS_error_end")),
    (SSL.Error(), None, (errno.EPROTO, "TLS_error::TLS_error_end")),
])
def test_failures(error, said, expected):
    """Numbers and names are BoringSSL's; an end without `close_notify` is none of TLS."""
    assert expected == failure_of(error, Told(said))

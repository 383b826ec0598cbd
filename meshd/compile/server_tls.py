"""How servers end TLS: those of Gateways, and ingress listeners of Sidecars."""

from meshd.model.server_tls import MOST_CERTIFICATES, ServerTls
from meshd.model.server_tls import TlsVersion as ModelVersion
from meshd.snapshot.secret import CREDENTIAL, CREDENTIAL_ROOT, REVOKED, ROOT, certificate_name, is_credential
from meshd.snapshot.tls import MUTUAL_PARAMETERS, DownstreamTls, PeerCheck, TlsParameters, TlsVersion

OFFERED = ("h2", "http/1.1")
_VERSIONS: dict[ModelVersion, TlsVersion] = {
    "TLS_AUTO": "TLS_AUTO", "TLSV1_0": "TLSv1_0", "TLSV1_1": "TLSv1_1", "TLSV1_2": "TLSv1_2", "TLSV1_3": "TLSv1_3",
}


def end_tls(tls: ServerTls, *, http: bool = True) -> DownstreamTls:
    """
    Give how a server ends TLS.

    Source:
        Istio pilot/pkg/networking/core/gateway.go, buildGatewayListenerTLSContext: secrets are called by their files, or by their names.
    """
    if tls.mode == "ISTIO_MUTUAL":
        return DownstreamTls(OFFERED if http else ("istio-peer-exchange", "istio"), parameters=MUTUAL_PARAMETERS)
    names = [name if is_credential(name) else f"{CREDENTIAL}{name}" for name in tls.credential_names]
    roots = [f"{name}{CREDENTIAL_ROOT}" for name in names]
    names += [certificate_name(files.certificate, files.private_key) for files in tls.files if files.certificate]
    roots += [f"{ROOT}{files.ca_certificates}" for files in tls.files if files.ca_certificates]
    client = None
    if tls.mode in ("MUTUAL", "OPTIONAL_MUTUAL") and roots:
        revoked = f"{REVOKED}{tls.ca_crl}" if tls.ca_crl else ""
        client = PeerCheck(roots[0], tls.subject_alt_names, (), tls.certificate_hashes, tls.key_hashes, revoked)
    return DownstreamTls(
        OFFERED if http else (), tuple(names[:MOST_CERTIFICATES]), client, tls.mode == "MUTUAL",
        TlsParameters(_VERSIONS[tls.min_version], _VERSIONS[tls.max_version], tls.cipher_suites),
    )

"""TLS towards endpoints, as DestinationRules ask for it."""

from meshd.compile.services import MeshService
from meshd.model.service_entry import ServiceEntry
from meshd.model.traffic_policy import ClientTls
from meshd.snapshot.cluster import HttpProtocol
from meshd.snapshot.secret import CREDENTIAL, CREDENTIAL_ROOT, REVOKED, ROOT, SYSTEM, certificate_name
from meshd.snapshot.tls import PeerCheck, TlsParameters, UpstreamTls

PARAMETERS = TlsParameters("TLSv1_2", "TLSv1_3")


def begin_tls(tls: ClientTls, service: MeshService, protocol: HttpProtocol) -> UpstreamTls | None:
    """
    Give how TLS is begun; None for plain text, and for the mesh's own, which comes with identity.

    A server is held to the roots given, else to those of the operating system; where no name is given it has to be the one that was asked for.

    Source:
        Istio pilot/pkg/networking/core/cluster_tls.go, buildUpstreamClusterTLSContext and setAutoSniAndAutoSanValidation. Unlike there,
        `credentialName` counts on any machine, since its files are the machine's own.
    """
    if tls.mode not in ("SIMPLE", "MUTUAL"):
        return None
    checked = not tls.insecure_skip_verify
    names = tls.subject_alt_names
    if not names and service.external and isinstance(service.resource, ServiceEntry):
        names = service.resource.subject_alt_names
    revoked = f"{REVOKED}{tls.ca_crl}" if tls.ca_crl else ""
    check = PeerCheck(_roots(tls), names, revoked=revoked) if checked else PeerCheck()
    return UpstreamTls(
        ("h2",) if protocol == "http2" else (), _certificate(tls), check, tls.sni,
        auto_sni=not tls.sni, auto_san=checked and not tls.sni and not tls.subject_alt_names, parameters=PARAMETERS,
    )


def secrets_of(tls: ClientTls) -> tuple[str, ...]:
    """Give the names of the secrets that TLS is begun with, but the roots of the operating system."""
    if tls.mode not in ("SIMPLE", "MUTUAL"):
        return ()
    checks = () if tls.insecure_skip_verify else (_roots(tls), f"{REVOKED}{tls.ca_crl}" if tls.ca_crl else "")
    return tuple(name for name in (_certificate(tls), *checks) if name and name != SYSTEM)


def _certificate(tls: ClientTls) -> str:
    if tls.mode != "MUTUAL":
        return ""
    return f"{CREDENTIAL}{tls.credential_name}" if tls.credential_name else certificate_name(tls.client_certificate, tls.private_key)


def _roots(tls: ClientTls) -> str:
    if tls.credential_name:
        return f"{CREDENTIAL}{tls.credential_name}{CREDENTIAL_ROOT}"
    return f"{ROOT}{tls.ca_certificates}" if tls.ca_certificates else SYSTEM

"""TLS in Envoy's v3 JSON: transport sockets, whose certificates are secrets with names, or files."""

from typing import Any

from meshd.snapshot.json_fields import (
    Json,
    Message,
    Row,
    check_unasked,
    kind_of,
    read_flag,
    read_list,
    read_text,
    texts,
    typed,
    typed_config,
    word,
)
from meshd.snapshot.noted_json import FieldError, Noted
from meshd.snapshot.proxy_protocol_json import RAW, change_within, within
from meshd.snapshot.secret import REVOKED, ROOT, certificate_files, certificate_name, root_file
from meshd.snapshot.tls import IDENTITY, DownstreamTls, PeerCheck, TlsParameters, TlsVersion, UpstreamTls

NAME = "envoy.transport_sockets.tls"
_KIND = "envoy.extensions.transport_sockets.tls.v3."
_DOWNSTREAM, _UPSTREAM = f"{_KIND}DownstreamTlsContext", f"{_KIND}UpstreamTlsContext"

_PARAMETERS = Message(
    TlsParameters,
    (
        word("min_version", "tlsMinimumProtocolVersion", words=TlsVersion, default="TLS_AUTO"),
        word("max_version", "tlsMaximumProtocolVersion", words=TlsVersion, default="TLS_AUTO"),
        texts("cipher_suites", "cipherSuites"),
    ),
)


def _secret(name: str) -> Json:
    """Name a secret that the agent on the machine hands out, as Istio does."""
    source = {"apiType": "GRPC", "grpcServices": [{"envoyGrpc": {"clusterName": "sds-grpc"}}], "setNodeOnFirstMessageOnly": True,
              "transportApiVersion": "V3"}
    at_once = {"initialFetchTimeout": "0s"} if name in IDENTITY else {}
    return {"name": name, "sdsConfig": {"apiConfigSource": source, **at_once, "resourceApiVersion": "V3"}}


def _write_names(check: PeerCheck) -> Json:
    names = [*({"exact": name} for name in check.names), *({"prefix": prefix} for prefix in check.prefixes)]
    revoked = {"filename": check.revoked.removeprefix(REVOKED)} if check.revoked else {}
    hashes = {"verifyCertificateHash": list(check.hashes), "verifyCertificateSpki": list(check.key_hashes)}
    found = {"crl": revoked, "matchSubjectAltNames": names, **hashes}
    return {key: value for key, value in found.items() if value}


def _write_context(protocols: tuple[str, ...], certificates: tuple[str, ...], check: PeerCheck | None, parameters: TlsParameters) -> Json:
    context: Json = {}
    if protocols:
        context["alpnProtocols"] = list(protocols)
    if certificates:
        context["tlsCertificateSdsSecretConfigs"] = [_secret(name) for name in certificates]
    if parameters != TlsParameters():
        context["tlsParams"] = _PARAMETERS.write(parameters)
    if check is not None and check.trusted_ca:
        context["combinedValidationContext"] = {
            "defaultValidationContext": _write_names(check), "validationContextSdsSecretConfig": _secret(check.trusted_ca),
        }
    elif check is not None:
        context["validationContext"] = _write_names(check)
    return context


def write_downstream(tls: DownstreamTls) -> Json:
    """Give how TLS is ended."""
    context = _write_context(tls.application_protocols, tls.certificates, tls.client, tls.parameters)
    return typed(NAME, _DOWNSTREAM, {"commonTlsContext": context, "requireClientCertificate": tls.require_client_certificate})


def write_upstream(tls: UpstreamTls) -> Json:
    """Give how TLS is begun; what hangs on each request stands in the cluster's HTTP options."""
    certificates = (tls.certificate,) if tls.certificate else ()
    context = _write_context(tls.application_protocols, certificates, tls.server, tls.parameters)
    return typed(NAME, _UPSTREAM, {"commonTlsContext": context, **({"sni": tls.sni} if tls.sni else {})})


def with_files(socket: Json, credentials: str, system_roots: str) -> Json:
    """
    Give a transport socket with files in the place of named secrets, for an Envoy without an agent that hands these out.

    Args:
        socket: As written here.
        credentials: Directory of what is called by `credentialName`.
        system_roots: File of the roots that the operating system trusts.
    """
    return change_within(socket, lambda inner: _with_files(inner, credentials, system_roots))


def _with_files(socket: Json, credentials: str, system_roots: str) -> Json:
    config = dict(socket["typedConfig"])
    if "commonTlsContext" not in config:
        return socket
    context = config["commonTlsContext"] = dict(config["commonTlsContext"])
    named = [certificate_files(secret["name"], credentials) for secret in context.pop("tlsCertificateSdsSecretConfigs", [])]
    files = [{"certificateChain": {"filename": found[0]}, "privateKey": {"filename": found[1]}} for found in named if found is not None]
    if files:
        context["tlsCertificates"] = files
    combined = context.pop("combinedValidationContext", None)
    if combined is not None:
        roots = root_file(combined["validationContextSdsSecretConfig"]["name"], credentials) or system_roots
        context["validationContext"] = {**combined["defaultValidationContext"], "trustedCa": {"filename": roots}}
    return {**socket, "typedConfig": config}


def read_downstream(found: Json) -> DownstreamTls | None:
    """
    Read how TLS is ended; None: it is not.

    Raises:
        FieldError: If it cannot be read.
    """
    config = _config_of(found, _DOWNSTREAM)
    if config is None:
        return None
    context = config["commonTlsContext"]
    certificates = _read_certificates(context)
    if not certificates:
        raise FieldError("", "expected a certificate with its key in files, or by name, found none")
    check, required = _read_check(context), read_flag(config.get("requireClientCertificate", False))
    if required and (check is None or not check.trusted_ca):
        raise FieldError("", "expected trustedCa where clients need a certificate, found none")
    check = check if check is not None and check.trusted_ca else None
    tls = DownstreamTls(_read_protocols(context), certificates, check, required, _read_parameters(context))
    _check_all(config, "DownstreamTlsContext")
    return tls


def read_upstream(found: Json) -> UpstreamTls | None:
    """
    Read how TLS is begun; None: it is not.

    Raises:
        FieldError: If it cannot be read.
    """
    config = _config_of(within(found), _UPSTREAM)
    if config is None:
        return None
    context = config.get("commonTlsContext", {})
    certificates = _read_certificates(context)
    tls = UpstreamTls(
        _read_protocols(context), certificates[0] if certificates else "", _read_check(context) or PeerCheck(), read_text(config.get("sni", "")),
        parameters=_read_parameters(context),
    )
    _check_all(config, "UpstreamTlsContext")
    return tls


def _config_of(found: Json, wanted: str) -> Json | None:
    kind = kind_of(found)
    if kind == RAW:
        return None
    if kind != wanted:
        raise FieldError("", f"expected a plain socket or TLS, found {kind or found.get('name')}")
    return typed_config(found)


def _check_all(config: Json, name: str) -> None:
    if isinstance(config, Noted):
        check_unasked(config, name)


def _read_protocols(context: Json) -> tuple[str, ...]:
    return tuple(map(read_text, read_list(context.get("alpnProtocols", []))))


def _read_parameters(context: Json) -> TlsParameters:
    found = context.get("tlsParams")
    return TlsParameters() if found is None else _PARAMETERS.read(found)


def _read_certificates(context: Json) -> tuple[str, ...]:
    names = [_read_secret(secret) for secret in read_list(context.get("tlsCertificateSdsSecretConfigs", []))]
    for certificate in read_list(context.get("tlsCertificates", [])):
        names.append(certificate_name(_read_file(certificate, "certificateChain"), _read_file(certificate, "privateKey")))
    return tuple(names)


def _read_secret(found: Json) -> str:
    if isinstance(found, Noted):
        found.skip("sdsConfig")
    return read_text(found["name"])


def _read_file(found: Json, key: str) -> str:
    source = found.get(key, {})
    file = source.get("filename")
    if not file:
        raise FieldError(source.place if isinstance(source, Noted) else key, f"expected the name of a file as {key}")
    return read_text(file)


def _read_check(context: Json) -> PeerCheck | None:
    """Read what the other side's certificate is held to, in any of the three places where it may stand."""
    combined = context.get("combinedValidationContext", {})
    default = combined.get("defaultValidationContext", {})
    inline, named = context.get("validationContext"), context.get("validationContextSdsSecretConfig")
    secret = named if named is not None else combined.get("validationContextSdsSecretConfig")
    source = inline if inline is not None else default
    names = [*_matchers(source, "matchSubjectAltNames"), *(found["matcher"] for found in _typed_matchers(source))]
    exact = tuple(read_text(found["exact"]) for found in names if "exact" in found)
    prefixes = tuple(read_text(found["prefix"]) for found in names if "prefix" in found)
    if len(exact) + len(prefixes) != len(names):
        raise FieldError("", "expected names of certificates as exact or prefix, found another way")
    roots = source.get("trustedCa")
    trusted = _read_secret(secret) if secret is not None else f"{ROOT}{_read_file(source, 'trustedCa')}" if roots is not None else ""
    if secret is None and inline is None:
        return None
    hashes = tuple(read_text(found).replace(":", "").lower() for found in _matchers(source, "verifyCertificateHash"))
    revoked = f"{REVOKED}{_read_file(source, 'crl')}" if source.get("crl") is not None else ""
    check = PeerCheck(trusted, exact, prefixes, hashes, tuple(map(read_text, _matchers(source, "verifyCertificateSpki"))), revoked)
    if not trusted and check != PeerCheck():
        raise FieldError("", "expected trustedCa beside what a certificate is held to, found none")
    return check


def _matchers(source: Json, key: str) -> list[Any]:
    return read_list(source.get(key, []))


def _typed_matchers(source: Json) -> list[Any]:
    found = _matchers(source, "matchTypedSubjectAltNames")
    for matcher in found:
        if matcher.get("sanType") not in ("DNS", "URI", "IP_ADDRESS"):
            raise FieldError("", f"expected names of type DNS, URI or IP_ADDRESS, found {matcher.get('sanType')}")
    return found


DOWNSTREAM = Row("tls", ("transportSocket",), write_downstream, read_downstream, None)
"""The row of a filter chain's transport socket."""

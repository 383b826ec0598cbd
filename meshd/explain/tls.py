"""TLS that a filter chain ends: what is left of a call behind it."""

import attrs

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.snapshot.filter_chain import FilterChain
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.tls import DownstreamTls

PROTO = "x-forwarded-proto"
SPIFFE = "spiffe://"


def end_tls(chain: FilterChain, tls: DownstreamTls, call: Call, answer: Answer) -> Call | None:
    """Return the call as it is within TLS; None where there is none to end or the client is not let in, and the connection is closed."""
    certificates = " and ".join(tls.certificates)
    if call.tls == "none":
        answer.passed("TLS", f"expected by this chain ({certificates}): what begins otherwise is closed", chain.origins)
        return None
    if not _lets_in(tls, call.source_principal):
        answer.passed("TLS", f"{_asked_of(tls)}, not for {call.source_principal}: its handshake fails", chain.origins)
        return None
    answer.took("TLS", f"ended with {certificates}; {_asked_of(tls)}", chain.origins)
    headers = call.headers
    manager = chain.filter
    at_edge = isinstance(manager, HttpConnectionManager) and manager.use_remote_address
    if at_edge or PROTO not in dict(headers):
        headers = (*((name, value) for name, value in headers if name != PROTO), (PROTO, "https"))
    return attrs.evolve(call, tls="none", protocol="tcp" if call.protocol == "tls" else call.protocol, headers=headers)


def reads_principal(tls: DownstreamTls | None) -> bool:
    """Tell whether it matters who a client is: the names in its certificate decide whether it is let in."""
    return tls is not None and tls.client is not None and bool(tls.client.names or tls.client.prefixes)


def _lets_in(tls: DownstreamTls, principal: str) -> bool:
    """Tell whether a client's certificate is one of those that are asked for; of a client that says nothing of it that is taken for granted."""
    if not principal or tls.client is None or not reads_principal(tls):
        return True
    name = f"{SPIFFE}{principal.removeprefix(SPIFFE)}"
    return any(one in tls.client.names or one.startswith(tls.client.prefixes) for one in (principal, name))


def _asked_of(tls: DownstreamTls) -> str:
    """Say what is asked of clients."""
    if tls.client is None:
        return "clients are asked for no certificate"
    names = (*tls.client.names, *(f"{prefix}..." for prefix in tls.client.prefixes))
    for_whom = f" for {' or '.join(names)}" if names else ""
    how = "need" if tls.require_client_certificate else "may show"
    return f"clients {how} a certificate of {tls.client.trusted_ca}{for_whom}"

"""TLS that a filter chain ends: what is left of a call behind it."""

import attrs

from meshd.explain.answer import Answer
from meshd.explain.call import Call
from meshd.snapshot.filter_chain import FilterChain
from meshd.snapshot.network_filter import HttpConnectionManager
from meshd.snapshot.tls import DownstreamTls

PROTO = "x-forwarded-proto"


def end_tls(chain: FilterChain, tls: DownstreamTls, call: Call, answer: Answer) -> Call | None:
    """Return the call as it is within TLS; None where there is none to end, and the connection is closed."""
    certificates = " and ".join(tls.certificates)
    if call.tls == "none":
        answer.passed("TLS", f"expected by this chain ({certificates}): what begins otherwise is closed", chain.origins)
        return None
    answer.took("TLS", f"ended with {certificates}; {_asked_of(tls)}", chain.origins)
    headers = call.headers
    manager = chain.filter
    at_edge = isinstance(manager, HttpConnectionManager) and manager.use_remote_address
    if at_edge or PROTO not in dict(headers):
        headers = (*((name, value) for name, value in headers if name != PROTO), (PROTO, "https"))
    return attrs.evolve(call, tls="none", protocol="tcp" if call.protocol == "tls" else call.protocol, headers=headers)


def _asked_of(tls: DownstreamTls) -> str:
    """Say what is asked of clients."""
    if tls.client is None:
        return "clients are asked for no certificate"
    names = (*tls.client.names, *(f"{prefix}..." for prefix in tls.client.prefixes))
    for_whom = f" for {' or '.join(names)}" if names else ""
    how = "need" if tls.require_client_certificate else "may show"
    return f"clients {how} a certificate of {tls.client.trusted_ca}{for_whom}"

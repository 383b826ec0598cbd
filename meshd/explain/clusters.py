"""How endpoints of a cluster are spoken to, and how much of it at once: what a DestinationRule settles besides who is picked."""

from collections.abc import Iterator

from meshd.explain.answer import Answer
from meshd.snapshot.cluster import UNLIMITED, Cluster, Keepalive, OutlierDetection, SlowStart, Thresholds
from meshd.snapshot.tls import UpstreamTls


def tell_of_connections(cluster: Cluster, answer: Answer) -> None:
    """Note what is configured of a cluster's connections, as far as anything is."""
    for step, why in _settled(cluster):
        answer.took(step, why, cluster.origins)


def _settled(cluster: Cluster) -> Iterator[tuple[str, str]]:
    if cluster.tls is not None:
        yield "TLS to endpoints", describe_tls(cluster.tls)
    if cluster.proxy_protocol:
        yield "PROXY protocol", f"each connection begins with a header of version {cluster.proxy_protocol[1:]} and carries one client's requests"
    if cluster.keepalive is not None:
        yield "TCP keepalive", describe_keepalive(cluster.keepalive)
    if cluster.slow_start is not None and cluster.lb_policy in ("ROUND_ROBIN", "LEAST_REQUEST"):
        yield "warm-up", describe_slow_start(cluster.slow_start)
    limits = describe_limits(cluster.thresholds or Thresholds(), cluster)
    if limits:
        yield "limits", limits
    if cluster.outlier_detection is not None:
        yield "outlier detection", describe_outliers(cluster.outlier_detection)


def describe_tls(tls: UpstreamTls) -> str:
    """Say what is asked of a server, and what it is shown."""
    asked = tls.sni or ("the host of each request" if tls.auto_sni else "no name")
    names = [*tls.server.names, *(f"{prefix}..." for prefix in tls.server.prefixes), *(["the name asked for"] if tls.auto_san else [])]
    if not tls.server.trusted_ca:
        held = "its certificate is not checked"
    else:
        held = f"its certificate has to come from {tls.server.trusted_ca}" + (f", for {' or '.join(names)}" if names else "")
    return f"asks for {asked}; {held}; shows {tls.certificate or 'no certificate'}"


def describe_keepalive(keepalive: Keepalive) -> str:
    """Say when an idle connection is probed; what is not set is the system's."""
    after = f"after {keepalive.time} s" if keepalive.time else "after the system's time"
    every = f", every {keepalive.interval} s" if keepalive.interval else ""
    most = f", given up after {keepalive.probes} probes" if keepalive.probes else ""
    return f"an idle connection is probed {after}{every}{most}"


def describe_slow_start(slow: SlowStart) -> str:
    """Say how much a new endpoint gets."""
    least = 10.0 if slow.least_percent is None else slow.least_percent  # Envoy's default
    power = "evenly" if slow.aggression in (None, 1.0) else f"with aggression {slow.aggression:g}"
    return f"a new endpoint begins with {least:g} % of its share, and has all of it after {slow.window:g} s, growing {power}"


def describe_limits(limits: Thresholds, cluster: Cluster) -> str:
    """Say how much there may be at once and for how long; empty where nothing is limited."""
    counted = (
        ("connections", limits.max_connections), ("requests waiting", limits.max_pending_requests), ("requests", limits.max_requests),
        ("retries", limits.max_retries if limits.retry_budget is None else UNLIMITED),
    )
    words = [f"at most {most} {what}" for what, most in counted if most != UNLIMITED]
    budget = limits.retry_budget
    if budget is not None:
        words.append(f"at most as many retries as {budget.percent:g} % of requests, but {budget.min_concurrency} in any case")
    if cluster.max_requests_per_connection:
        words.append(f"at most {cluster.max_requests_per_connection} requests to a connection")
    if cluster.http_connection_duration:
        words.append(f"a connection is used for {cluster.http_connection_duration:g} s at most")
    return "; ".join(words)


def describe_outliers(outliers: OutlierDetection) -> str:
    """Say which failures take an endpoint out of use, and for how long."""
    counted = (
        ("answers of 500 or more", 5 if outliers.consecutive_5xx is None else outliers.consecutive_5xx,
         100 if outliers.enforcing_5xx_percent is None else outliers.enforcing_5xx_percent),
        ("answers of 502, 503 or 504", outliers.consecutive_gateway_failure, outliers.enforcing_gateway_percent),
        ("failures without an answer", outliers.consecutive_local_origin_failure,
         outliers.enforcing_local_origin_percent if outliers.split_local_origin else 0),
    )
    found = [f"{most} {what}" for what, most, chance in counted if most and chance]
    if not found:
        return "no failure takes an endpoint out"
    return (f"{' or '.join(found)} in a row take an endpoint out for {outliers.base_ejection_time:g} s, longer each time; "
            f"at most {outliers.max_ejection_percent} % of them")

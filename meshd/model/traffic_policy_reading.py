"""Reading traffic policies, as strictly as Istio validates them."""

from meshd.model.checks import one_line, wildcard_host
from meshd.model.http_action_reading import read_duration
from meshd.model.http_match_reading import read_port_number
from meshd.model.load_balancer_reading import read_load_balancer
from meshd.model.reading import Fields
from meshd.model.traffic_policy import (
    ClientTls,
    ConnectionPool,
    H2Upgrade,
    Keepalive,
    OutlierDetection,
    PortPolicy,
    ProxyProtocol,
    RetryBudget,
    TlsMode,
    TrafficPolicy,
    Tunnel,
)

MAX_COUNT = 2**31 - 1
_UINT32 = 2**32 - 1
_MODES: tuple[TlsMode, ...] = ("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL")
_UPGRADES: tuple[H2Upgrade, ...] = ("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE")
_VERSIONS: tuple[ProxyProtocol, ...] = ("V1", "V2")


def read_traffic_policy(fields: Fields) -> TrafficPolicy:
    """Read a policy with those of its ports."""
    policy = TrafficPolicy(
        load_balancer=fields.optional("loadBalancer", read_load_balancer),
        connection_pool=fields.optional("connectionPool", read_connection_pool),
        outlier_detection=fields.optional("outlierDetection", read_outlier_detection),
        tls=fields.optional("tls", read_tls),
        tunnel=fields.optional("tunnel", _read_tunnel),
        proxy_protocol=fields.optional("proxyProtocol", _read_proxy_protocol),
        retry_budget=fields.optional("retryBudget", _read_budget),
        ports=_read_ports(fields),
    )
    fields.finish()
    return policy


def _seconds(fields: Fields, name: str) -> float | None:
    """Read a duration that may be absent."""
    seconds = read_duration(fields, name, -1.0)
    return seconds if seconds >= 0 else None


def _seconds_or_none(fields: Fields, name: str) -> float | None:
    """Read a duration that may be absent, and 0s for none."""
    if fields.raw(name) == "0s":
        return 0.0
    return _seconds(fields, name)


def _read_ports(fields: Fields) -> dict[int, PortPolicy]:
    found: dict[int, PortPolicy] = {}
    for item in fields.items("portLevelSettings"):
        if "port" not in item:
            item.wrong("port", "expected a port, got nothing")
        number = item.optional("port", read_port_number) or 0
        policy = PortPolicy(
            item.optional("loadBalancer", read_load_balancer), item.optional("connectionPool", read_connection_pool),
            item.optional("outlierDetection", read_outlier_detection), item.optional("tls", read_tls),
        )
        item.finish()
        if number and number in found:
            item.wrong("port", f"expected each port once, got {number} twice; the first counts", severity="warning")
        found.setdefault(number, policy)
    return found


def read_connection_pool(fields: Fields) -> ConnectionPool:
    """Read the limits of connections and requests."""
    tcp, http = fields.mapping("tcp"), fields.mapping("http")
    if "tcp" not in fields and "http" not in fields:
        fields.wrong("", "expected tcp or http, got neither")
    pool = ConnectionPool(
        max_connections=tcp.maybe_number("maxConnections", low=0, high=MAX_COUNT), connect_timeout=_seconds(tcp, "connectTimeout"),
        keepalive=tcp.optional("tcpKeepalive", read_keepalive), max_connection_duration=_seconds(tcp, "maxConnectionDuration"),
        idle_timeout=_seconds_or_none(tcp, "idleTimeout"),
        max_pending_requests=http.maybe_number("http1MaxPendingRequests", low=0, high=MAX_COUNT),
        max_requests=http.maybe_number("http2MaxRequests", low=0, high=MAX_COUNT),
        max_requests_per_connection=http.maybe_number("maxRequestsPerConnection", low=0, high=MAX_COUNT),
        max_retries=http.maybe_number("maxRetries", low=0, high=MAX_COUNT),
        http_idle_timeout=_seconds_or_none(http, "idleTimeout"), h2_upgrade=http.choice("h2UpgradePolicy", _UPGRADES, "DEFAULT"),
        use_client_protocol=http.flag("useClientProtocol"), max_concurrent_streams=http.maybe_number("maxConcurrentStreams", low=0, high=MAX_COUNT),
    )
    if pool.h2_upgrade == "UPGRADE" and pool.use_client_protocol:
        http.wrong("useClientProtocol", "expected it to be false with h2UpgradePolicy UPGRADE, got true")
    if pool.h2_upgrade == "UPGRADE":
        http.not_served("h2UpgradePolicy", "HTTP/2, asked for by UPGRADE,")
    if pool.use_client_protocol:
        http.not_served("useClientProtocol")
    for name in ("maxConcurrentStreams", "http2KeepAlive"):
        http.not_served(name)
    tcp.finish()
    http.finish()
    fields.finish()
    return pool


def read_keepalive(fields: Fields) -> Keepalive:
    """Read how connections are probed."""
    keepalive = Keepalive(fields.number("probes", low=0, high=_UINT32), read_duration(fields, "time", 0.0), read_duration(fields, "interval", 0.0))
    fields.finish()
    return keepalive


def read_outlier_detection(fields: Fields) -> OutlierDetection:
    """Read when endpoints that fail are taken out of use."""
    if fields.maybe_number("consecutiveErrors", low=0, high=MAX_COUNT) is not None:
        fields.wrong("consecutiveErrors", "expected consecutive5xxErrors, got the old consecutiveErrors, which has no effect", severity="warning")
    detection = OutlierDetection(
        fields.maybe_number("consecutive5xxErrors", low=0, high=_UINT32),
        fields.maybe_number("consecutiveGatewayErrors", low=0, high=_UINT32),
        fields.maybe_number("consecutiveLocalOriginFailures", low=0, high=_UINT32), fields.flag("splitExternalLocalOriginErrors"),
        _seconds(fields, "interval"), _seconds(fields, "baseEjectionTime"),
        fields.maybe_number("maxEjectionPercent", low=0, high=100),
        fields.number("minHealthPercent", low=0, high=100),
    )
    fields.finish()
    return detection


def read_tls(fields: Fields) -> ClientTls:
    """Read TLS settings towards the upstream."""
    tls = ClientTls(
        fields.choice("mode", _MODES, "DISABLE"), fields.text("clientCertificate", check=one_line), fields.text("privateKey", check=one_line),
        fields.text("caCertificates", check=one_line), fields.text("caCrl", check=one_line), fields.text("credentialName", check=one_line),
        fields.texts("subjectAltNames", check=one_line), fields.text("sni", check=one_line), fields.flag("insecureSkipVerify"),
    )
    if tls.mode == "ISTIO_MUTUAL":
        fields.not_served("mode", f"mode {tls.mode}", "has no effect: nothing is encrypted")
    files = {"clientCertificate": tls.client_certificate, "privateKey": tls.private_key, "caCertificates": tls.ca_certificates}
    if tls.insecure_skip_verify:
        if tls.ca_certificates or tls.subject_alt_names:
            beside = "caCertificates" if tls.ca_certificates else "subjectAltNames"
            fields.wrong("insecureSkipVerify", f"expected it to be false beside {beside}, got true")
        if tls.mode not in ("SIMPLE", "MUTUAL"):
            fields.wrong("insecureSkipVerify", f"expected it in mode SIMPLE or MUTUAL, got mode {tls.mode}")
    if tls.mode in ("SIMPLE", "MUTUAL") and tls.credential_name and any(files.values()):
        named = next(name for name, value in files.items() if value)
        fields.wrong("credentialName", f"expected credentialName or files, got {named} too")
    if tls.mode == "MUTUAL" and not tls.credential_name:
        for name in ("clientCertificate", "privateKey"):
            if not files[name]:
                fields.wrong(name, "expected a file in mode MUTUAL, got nothing")
    if tls.mode == "ISTIO_MUTUAL":
        for name, value in files.items():
            if value:
                fields.wrong(name, f"expected nothing in mode {tls.mode}, got a value")
    fields.finish()
    return tls


def _read_tunnel(fields: Fields) -> Tunnel:
    method = fields.choice("protocol", ("CONNECT", "POST"), "CONNECT")
    if method == "POST":
        fields.not_served("protocol", "protocol POST", "closes every connection")
    tunnel = Tunnel(
        fields.text("targetHost", check=lambda text: "a host" if text.startswith("*") else wildcard_host(text), required=True),
        fields.port("targetPort", required=True), "POST" if method == "POST" else "CONNECT",
    )
    fields.finish()
    return tunnel


def _read_proxy_protocol(fields: Fields) -> ProxyProtocol:
    version = fields.choice("version", _VERSIONS, "V1")
    fields.finish()
    return version


def _read_budget(fields: Fields) -> RetryBudget:
    budget = RetryBudget(fields.decimal("percent", 20.0, low=0.0, high=100.0), fields.number("minRetryConcurrency", 3, low=0, high=_UINT32))
    fields.finish()
    return budget

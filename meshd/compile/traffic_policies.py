"""What a traffic policy makes of a cluster."""

from typing import Any

import attrs

from meshd.compile.targets import Target
from meshd.compile.upstream_tls import begin_tls
from meshd.model import traffic_policy as model
from meshd.snapshot.cluster import UNLIMITED, Cluster, Keepalive, LbPolicy, OutlierDetection, RetryBudget, SlowStart, Thresholds

NO_LIMITS = Thresholds()
NO_PROBES = Keepalive()
_PASSING: dict[str, Any] = {"type": "ORIGINAL_DST", "lb_policy": "CLUSTER_PROVIDED", "service_name": ""}
MAX_RING = 8 * 1024 * 1024  # Envoy's default
_SIMPLE: dict[str, LbPolicy] = {"": "LEAST_REQUEST", "LEAST_REQUEST": "LEAST_REQUEST", "ROUND_ROBIN": "ROUND_ROBIN", "RANDOM": "RANDOM"}


def apply_policy(cluster: Cluster, target: Target) -> Cluster:
    """Give a cluster with the settings of its target's policy."""
    policy = target.policy
    if policy.connection_pool is not None:
        cluster = _apply_upgrade(apply_connection_pool(cluster, policy.connection_pool), policy.connection_pool)
    if policy.outlier_detection is not None:
        cluster = _apply_outlier_detection(cluster, policy.outlier_detection)
    cluster = attrs.evolve(cluster, **_PASSING) if target.passes_through else _apply_load_balancer(cluster, policy.load_balancer)
    if policy.tls is not None:
        cluster = attrs.evolve(cluster, tls=begin_tls(policy.tls, target.service, cluster.http_protocol))
    if policy.proxy_protocol is not None:
        cluster = attrs.evolve(cluster, proxy_protocol=policy.proxy_protocol)
    if policy.retry_budget is not None:
        budget = RetryBudget(policy.retry_budget.percent, policy.retry_budget.min_concurrency)
        cluster = attrs.evolve(cluster, thresholds=attrs.evolve(cluster.thresholds or NO_LIMITS, retry_budget=budget))
    return cluster


def apply_connection_pool(cluster: Cluster, pool: model.ConnectionPool) -> Cluster:
    """Give a cluster with limits of connections and requests."""
    limits = Thresholds(
        pool.max_connections or UNLIMITED, pool.max_pending_requests or UNLIMITED, pool.max_requests or UNLIMITED, pool.max_retries or UNLIMITED,
    )
    idle = pool.http_idle_timeout if pool.http_idle_timeout is not None else pool.idle_timeout
    cluster = attrs.evolve(
        cluster, thresholds=limits, max_requests_per_connection=pool.max_requests_per_connection or 0,
        connect_timeout=pool.connect_timeout or cluster.connect_timeout, http_connection_duration=pool.max_connection_duration or 0.0,
    )
    if idle is not None:
        cluster = attrs.evolve(cluster, http_idle_timeout=idle)
    if pool.keepalive is not None:
        cluster = attrs.evolve(cluster, keepalive=probing(pool.keepalive, cluster.keepalive or NO_PROBES))
    if pool.use_client_protocol:
        cluster = attrs.evolve(cluster, http_protocol="downstream")
    return cluster


def probing(found: model.Keepalive, mesh: Keepalive = NO_PROBES) -> Keepalive:
    """Give how upstream connections are probed; what a policy does not say is the mesh's."""
    return Keepalive(found.probes or mesh.probes, int(found.time) or mesh.time, int(found.interval) or mesh.interval)


def _apply_upgrade(cluster: Cluster, pool: model.ConnectionPool) -> Cluster:
    """Give an outbound cluster that speaks HTTP/2 where that is asked for, and not what the client speaks."""
    upgrades = pool.h2_upgrade == "UPGRADE" and not pool.use_client_protocol
    return attrs.evolve(cluster, http_protocol="http2") if upgrades else cluster


def _apply_outlier_detection(cluster: Cluster, detection: model.OutlierDetection) -> Cluster:
    """
    Give a cluster that takes failing endpoints out of use.

    Source:
        Istio pilot/pkg/networking/core/cluster_traffic_policy.go, applyOutlierDetection: 0 switches a count off (of failures without an
        answer, it says nothing), what is not said is Envoy's.
    """
    found = OutlierDetection(split_local_origin=detection.split_local_origin)
    if detection.consecutive_5xx is not None:
        found = attrs.evolve(found, consecutive_5xx=detection.consecutive_5xx, enforcing_5xx_percent=100 if detection.consecutive_5xx else 0)
    if detection.consecutive_gateway is not None:
        enforcing = 100 if detection.consecutive_gateway else 0
        found = attrs.evolve(found, consecutive_gateway_failure=detection.consecutive_gateway, enforcing_gateway_percent=enforcing)
    if detection.split_local_origin and detection.consecutive_local_origin:
        found = attrs.evolve(found, consecutive_local_origin_failure=detection.consecutive_local_origin)
    found = attrs.evolve(
        found, interval=detection.interval or found.interval, base_ejection_time=detection.base_ejection_time or found.base_ejection_time,
        max_ejection_percent=detection.max_ejection_percent or found.max_ejection_percent,
    )
    return attrs.evolve(cluster, outlier_detection=found, panic_threshold_percent=float(detection.min_health_percent))


def _apply_load_balancer(cluster: Cluster, balancer: model.LoadBalancer | None) -> Cluster:
    """Give a cluster that picks endpoints as asked; one that goes where the client meant to go has no choice."""
    if cluster.lb_policy == "CLUSTER_PROVIDED" or balancer is None:
        return cluster
    hashed = balancer.consistent_hash
    if hashed is None:
        warmup = balancer.warmup
        slow_start = None if warmup is None else SlowStart(warmup.duration, warmup.aggression, warmup.minimum_percent)
        return attrs.evolve(cluster, lb_policy=_SIMPLE[balancer.simple], slow_start=slow_start)
    if hashed.maglev:
        return attrs.evolve(cluster, lb_policy="MAGLEV", table_size=hashed.table_size or cluster.table_size)
    return attrs.evolve(cluster, lb_policy="RING_HASH", ring_size=(hashed.minimum_ring_size or 1024, MAX_RING))

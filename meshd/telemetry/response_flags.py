"""Response flags of the access log: their short and their long names."""

from typing import Final

LONG_NAMES: Final[dict[str, str]] = {
    "DC": "DownstreamConnectionTermination",
    "DF": "DnsResolutionFailed",
    "DI": "DelayInjected",
    "DO": "DropOverLoad",
    "DPE": "DownstreamProtocolError",
    "DR": "DownstreamRemoteReset",
    "DT": "DurationTimeout",
    "FI": "FaultInjected",
    "IH": "InvalidEnvoyRequestHeaders",
    "LH": "FailedLocalHealthCheck",
    "LR": "LocalReset",
    "NC": "NoClusterFound",
    "NFCF": "NoFilterConfigFound",
    "NR": "NoRouteFound",
    "OM": "OverloadManagerTerminated",
    "RFCF": "ResponseFromCacheFilter",
    "RL": "RateLimited",
    "RLSE": "RateLimitServiceError",
    "SI": "StreamIdleTimeout",
    "UAEX": "UnauthorizedExternalService",
    "UC": "UpstreamConnectionTermination",
    "UF": "UpstreamConnectionFailure",
    "UH": "NoHealthyUpstream",
    "UMSDR": "UpstreamMaxStreamDurationReached",
    "UO": "UpstreamOverflow",
    "UPE": "UpstreamProtocolError",
    "UR": "UpstreamRemoteReset",
    "URX": "UpstreamRetryLimitExceeded",
    "UT": "UpstreamRequestTimeout",
}


def long_flags(flags: str) -> str:
    """Return `URX,UF` as `UpstreamRetryLimitExceeded,UpstreamConnectionFailure`; a flag without a long name stays."""
    return ",".join([LONG_NAMES.get(flag, flag) for flag in flags.split(",")]) if flags else ""


_BITS: Final = {flag: 1 << place for place, flag in enumerate((
    *("LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC", "URX", "SI", "IH", "DPE", "UMSDR", "RFCF"),
    *("NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR"),
))}


def flag_bits(flags: str) -> int:
    """Return response flags as the number that Envoy's expressions have for them."""
    return sum([_BITS.get(flag, 0) for flag in set(flags.split(","))]) if flags else 0

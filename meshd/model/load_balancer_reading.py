"""Reading load balancer settings: how an endpoint is picked, and which localities are preferred."""

from meshd.model.checks import label_key, one_line
from meshd.model.header_reading import header_name
from meshd.model.http_action_reading import read_duration
from meshd.model.reading import Fields
from meshd.model.traffic_policy import ConsistentHash, HashCookie, LoadBalancer, LocalityLb, SimpleLb, Warmup

_SIMPLE: dict[str, SimpleLb] = {
    "UNSPECIFIED": "", "LEAST_CONN": "LEAST_REQUEST", "LEAST_REQUEST": "LEAST_REQUEST", "ROUND_ROBIN": "ROUND_ROBIN", "RANDOM": "RANDOM",
    "PASSTHROUGH": "PASSTHROUGH",
}
MAX_TABLE = 5000011  # Envoy's MaglevLoadBalancer


def read_load_balancer(fields: Fields) -> LoadBalancer:
    """Read how an endpoint is picked."""
    simple = _SIMPLE[fields.choice("simple", tuple(_SIMPLE), "UNSPECIFIED")]
    hashed = fields.optional("consistentHash", _read_hash)
    if "simple" in fields and hashed is not None:
        fields.wrong("consistentHash", "expected simple or consistentHash, got both")
    warmup = _read_warmup(fields)
    if warmup is not None and (hashed is not None or simple in ("RANDOM", "PASSTHROUGH")):
        fields.wrong("warmup", "expected LEAST_REQUEST or ROUND_ROBIN with a warm-up, got another load balancer")
    if "localityLbSetting" in fields and "zoneAwareLbSetting" in fields:
        fields.wrong("zoneAwareLbSetting", "expected localityLbSetting or zoneAwareLbSetting, got both")
    fields.not_served("zoneAwareLbSetting")
    balancer = LoadBalancer(simple, hashed, fields.optional("localityLbSetting", read_locality), warmup)
    fields.finish()
    return balancer


def _read_warmup(fields: Fields) -> Warmup | None:
    old = read_duration(fields, "warmupDurationSecs", 0.0)
    if "warmup" not in fields:
        return Warmup(old) if old else None
    warmup = fields.mapping("warmup")
    if "warmupDurationSecs" in fields:
        fields.wrong("warmupDurationSecs", "expected warmup or the old warmupDurationSecs, got both")
    if "duration" not in warmup:
        warmup.wrong("duration", "expected a duration, got nothing")
    found = Warmup(
        read_duration(warmup, "duration", 0.0), warmup.decimal("minimumPercent", 10.0, low=0.0, high=100.0),
        warmup.decimal("aggression", 1.0, low=1.0, high=1e9),
    )
    warmup.finish()
    return found


def _read_hash(fields: Fields) -> ConsistentHash:
    keys = [name for name in ("httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName") if name in fields]
    if len(keys) != 1:
        said = "expected one of httpHeaderName, httpCookie, useSourceIp and httpQueryParameterName"
        fields.wrong("", f"{said}, got {' and '.join(keys) or 'none of them'}")
    if fields.values.get("useSourceIp") is False:
        fields.wrong("useSourceIp", "expected true, got the boolean false, so that endpoints are picked by nothing", severity="warning")
    ring, maglev = fields.mapping("ringHash"), fields.mapping("maglev")
    if "ringHash" in fields and "maglev" in fields:
        fields.wrong("maglev", "expected ringHash or maglev, got both")
    old = fields.number("minimumRingSize", low=0, high=2**63 - 1)
    size = maglev.number("tableSize", low=0, high=MAX_TABLE)
    if size and not _is_prime(size):
        maglev.wrong("tableSize", f"expected a prime number, got the number {size}")
    hashed = ConsistentHash(
        fields.text("httpHeaderName", check=header_name), fields.optional("httpCookie", _read_cookie),
        fields.flag("useSourceIp"), fields.text("httpQueryParameterName", check=one_line), "maglev" in fields, size,
        ring.number("minimumRingSize", old, low=0, high=2**63 - 1),
    )
    ring.finish()
    maglev.finish()
    fields.finish()
    return hashed


def _read_cookie(fields: Fields) -> HashCookie:
    ttl = fields.duration("ttl", -1.0)
    attributes: list[tuple[str, str]] = []
    for item in fields.items("attributes"):
        name = item.text("name", check=header_name, required=True)
        if name.lower() in [other.lower() for other, _ in attributes]:
            item.wrong("name", f"expected each attribute once, got {name} twice")
        attributes.append((name, item.text("value", check=one_line)))
        item.finish()
    cookie = HashCookie(
        fields.text("name", check=_cookie_name, required=True), fields.text("path", check=one_line), ttl if ttl >= 0 else None, tuple(attributes),
    )
    fields.finish()
    return cookie


def _cookie_name(text: str) -> str:
    return header_name(text) and "a cookie's name"


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def read_locality(fields: Fields) -> LocalityLb:
    """Read which localities are preferred."""
    distribute = tuple(_read_share(item) for item in fields.items("distribute"))
    failover = []
    for item in fields.items("failover"):
        pair = (item.text("from", check=_region, required=True), item.text("to", check=_region, required=True))
        if pair[0] and pair[0] == pair[1]:
            item.wrong("to", f"expected another region than {pair[0]}, got the same")
        failover.append(pair)
        item.finish()
    given = [name for name in ("distribute", "failover") if fields.values.get(name)]
    if len(given) > 1:
        fields.wrong("failover", "expected distribute or failover, got both")
    _check_overlap(fields, [source for source, _shares in distribute])
    setting = LocalityLb(fields.maybe_flag("enabled"), distribute, tuple(failover), fields.texts("failoverPriority", check=_priority))
    fields.finish()
    return setting


def _region(text: str) -> str:
    return "a region without zone" if not text or "/" in text or "*" in text else ""


def _priority(text: str) -> str:
    return label_key(text.partition("=")[0])


def _locality(text: str) -> str:
    parts = text.split("/")
    stars = [part == "*" for part in parts]
    good = all(parts) and len(parts) <= 3 and not any("*" in part for part in parts if part != "*") and stars == sorted(stars)
    return "" if good else "a locality such as region/zone/* or *"


def _read_share(fields: Fields) -> tuple[str, tuple[tuple[str, int], ...]]:
    source = fields.text("from", check=_locality, required=True)
    targets = fields.mapping("to")
    shares: list[tuple[str, int]] = []
    for name in targets.values:
        expected = _locality(name)
        if expected:
            targets.wrong(name, f"expected {expected} as key")
        shares.append((name, targets.number(name, low=1, high=100)))
    if sum(share for _name, share in shares) != 100:
        fields.wrong("to", f"expected percentages that add up to 100, got {sum(share for _name, share in shares)}")
    _check_overlap(targets, [name for name, _share in shares])
    fields.finish()
    return source, tuple(shares)


def _check_overlap(fields: Fields, names: list[str]) -> None:
    """Refuse localities that cover each other: `a` and `a/*` cover all within a."""
    bare = [tuple(part for part in name.split("/") if part != "*") for name in names]
    first: dict[tuple[str, ...], str] = {}
    for name, place in zip(names, bare, strict=True):
        if place in first:
            fields.wrong("", f"expected localities that do not cover each other, got {first[place]} and {name}")
        first.setdefault(place, name)
    for name, place in zip(names, bare, strict=True):
        above = next((first[place[:depth]] for depth in range(len(place)) if place[:depth] in first), None)
        if above is not None:
            fields.wrong("", f"expected localities that do not cover each other, got {above} and {name}")

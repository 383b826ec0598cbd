"""What routes and virtual hosts say of HTTP filters, made ready once a route."""

from collections.abc import Mapping, Sequence
from typing import Any

from meshd.snapshot.http_filter import CorsPolicy, Fault, LocalRateLimit, RouteFilterConfig
from meshd.tables.http_filters import cors, fault, local_rate_limit
from meshd.tables.interfaces import Environment

Layer = tuple[str, Sequence[RouteFilterConfig]]
"""Where settings stand, and the settings."""


def build_filters(layers: Sequence[Layer], environment: Environment) -> Mapping[type[RouteFilterConfig] | str, Any]:
    """
    Return settings by their kind, those of rate limits by the name of their filter.

    Args:
        layers: The most specific first. Of faults and of limits of one name the first counts, of policies for origins each says what those before
            it do not.
        environment: What limits may use.

    Raises:
        BuildError: If settings hold a regular expression that RE2 does not take.
    """
    everything = [config for _place, layer in layers for config in layer]
    faults = [config for config in everything if isinstance(config, Fault)]
    policies = [config for config in everything if isinstance(config, CorsPolicy)]
    built: dict[type[RouteFilterConfig] | str, Any] = {}
    if faults:
        built[Fault] = fault.build_rules(faults[0])
    if policies:
        built[CorsPolicy] = cors.build_rules(policies)
    for place, layer in layers:
        for config in layer:
            if isinstance(config, LocalRateLimit) and config.name not in built:
                built[config.name] = local_rate_limit.build_rules(config, environment, place)
    return built

"""What routes and virtual hosts say of HTTP filters, made ready once a route."""

from collections.abc import Mapping, Sequence
from typing import Any

from meshd.snapshot.http_filter import CorsPolicy, Fault, RouteFilterConfig
from meshd.tables.http_filters import cors, fault


def build_filters(layers: Sequence[Sequence[RouteFilterConfig]]) -> Mapping[type[RouteFilterConfig], Any]:
    """
    Return settings by their kind.

    Args:
        layers: The most specific first. Of faults the first counts, of policies for origins each says what those before it do not.

    Raises:
        BuildError: If settings hold a regular expression that RE2 does not take.
    """
    everything = [config for layer in layers for config in layer]
    faults = [config for config in everything if isinstance(config, Fault)]
    policies = [config for config in everything if isinstance(config, CorsPolicy)]
    built: dict[type[RouteFilterConfig], Any] = {}
    if faults:
        built[Fault] = fault.build_rules(faults[0])
    if policies:
        built[CorsPolicy] = cors.build_rules(policies)
    return built

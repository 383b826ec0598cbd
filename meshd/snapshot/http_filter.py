"""HTTP filters that a connection manager can hold; each later one is a class here and a builder in `tables/http_filters/`."""

import attrs


@attrs.frozen
class Router:
    """Forward the request to the cluster its route names; always the last filter."""


HttpFilterConfig = Router

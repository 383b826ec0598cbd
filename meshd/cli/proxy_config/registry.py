"""Every type of resource that `meshctl proxy-config` shows, in the order in which `all` does."""

from meshd.cli.proxy_config import clusters, endpoints, listeners, routes, secrets
from meshd.cli.proxy_config.view import View

VIEWS: dict[str, View] = {
    "cluster": clusters.VIEW,
    "listener": listeners.VIEW,
    "route": routes.VIEW,
    "endpoint": endpoints.VIEW,
    "secret": secrets.VIEW,
}

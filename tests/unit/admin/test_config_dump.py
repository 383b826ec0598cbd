"""Envoy's frame around what is served."""

from meshd.admin.config_dump import config_dump

SNAPSHOT = {
    "node": {"name": "n"},
    "listeners": [{"name": "virtualOutbound"}], "routes": [{"name": "80"}], "clusters": [{"name": "c"}], "endpoints": [{"clusterName": "c"}],
    "secrets": [{"name": "default"}],
}
WHEN = "2026-01-01T00:00:00.000Z"


def parts(dump: dict[str, object]) -> dict[str, dict[str, object]]:
    """Give the dump's configs by type, without the common prefix."""
    return {str(config["@type"]).removeprefix("type.googleapis.com/envoy.admin.v3."): config for config in dump["configs"]}


def test_every_part_stands_where_envoy_has_it():
    """With its version and its type."""
    found = parts(config_dump(SNAPSHOT, {"clusters": "2-x", "listeners": "3-x", "routes": "4-x", "endpoints": "5-x"}, WHEN))
    cluster = {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "c"}
    listener = {"@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": "virtualOutbound"}
    assert [{"version_info": "2-x", "cluster": cluster, "last_updated": WHEN}] == found["ClustersConfigDump"]["dynamic_active_clusters"]
    expected = [{"name": "virtualOutbound", "active_state": {"version_info": "3-x", "listener": listener, "last_updated": WHEN}}]
    assert expected == found["ListenersConfigDump"]["dynamic_listeners"]
    assert "80" == found["RoutesConfigDump"]["dynamic_route_configs"][0]["route_config"]["name"]
    assert "c" == found["EndpointsConfigDump"]["dynamic_endpoint_configs"][0]["endpoint_config"]["clusterName"]
    assert [{"name": "default", "last_updated": WHEN, "secret": {"name": "default"}}] == found["SecretsConfigDump"]["dynamic_active_secrets"]


def test_before_there_is_anything():
    """All parts are there, and empty."""
    found = parts(config_dump({}, {}, WHEN))
    assert 5 == len(found)
    assert [] == found["ClustersConfigDump"]["dynamic_active_clusters"]

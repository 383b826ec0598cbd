"""Where things are: what packages, scripts and people rely on."""

from meshd.base import places


def test_places_are_those_of_the_contract():
    """They change with a news fragment only."""
    assert ("/etc/meshd", "/run/meshd", "/var/lib/meshd", "/var/log/meshd") == (
        places.CONFIG_DIR, places.RUN_DIR, places.STATE_DIR, places.LOG_DIR,
    )
    assert ("control.sock", "admin.sock") == (places.CONTROL_SOCKET, places.ADMIN_SOCKET)

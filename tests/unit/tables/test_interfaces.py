"""The faces between tables and the worker."""

from meshd.base.errors import MeshError
from meshd.snapshot.route import Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost
from meshd.tables.interfaces import BuildError, Environment, HttpFilter, RouteEntry
from meshd.tables.route_entries import build_entry

ENVIRONMENT = Environment(lambda: 0.0, lambda exchange: None)


def test_build_errors_keep_their_reasons():
    """A worker refuses a snapshot with all of them."""
    error = BuildError(("one", "two"))
    assert isinstance(error, MeshError)
    assert (("one", "two"), "one; two") == (error.reasons, str(error))


def test_a_filter_has_no_phase_unless_given():
    """None is what joining leaves out."""
    assert (None, None) == (HttpFilter("x").request, HttpFilter("x").response)


def test_entries_hold_nothing_else():
    """One entry a route, thousands of routes: no dictionary each."""
    assert not hasattr(RouteEntry(), "__dict__")


def test_copies_of_entries_are_whole():
    """What is added to entries has to be copied, too."""
    entry = build_entry(Route("r", RouteMatch(), RouteAction("c")), VirtualHost("h", ("*",)), RouteConfiguration("80"), ENVIRONMENT)
    copied = entry.copy()
    names = [name for name in dir(RouteEntry) if not name.startswith("_") and name != "copy"]
    assert {name: getattr(entry, name) for name in names} == {name: getattr(copied, name) for name in names}
    assert entry is not copied and len(names) > 10

"""The faces between tables and the worker."""

from meshd.base.errors import MeshError
from meshd.tables.interfaces import BuildError, HttpFilter, RouteEntry


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
    entry = RouteEntry()
    for name in RouteEntry.__slots__:
        setattr(entry, name, name)
    copied = entry.copy()
    assert {name: name for name in RouteEntry.__slots__} == {name: getattr(copied, name) for name in RouteEntry.__slots__}
    assert entry is not copied

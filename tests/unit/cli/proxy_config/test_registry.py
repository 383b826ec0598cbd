"""The list of types of resources."""

import attrs

from meshd.cli.proxy_config.command import FILTERS
from meshd.cli.proxy_config.filters import Filters
from meshd.cli.proxy_config.registry import VIEWS


def test_names_are_unique() -> None:
    """No alias hides another type, nor `all`."""
    names = ["all", *(name for key, view in VIEWS.items() for name in (key, *view.aliases))]
    assert sorted(set(names)) == sorted(names)


def test_options_exist() -> None:
    """Each option of a view is an option of the command line and a field of Filters."""
    options = {option for view in VIEWS.values() for option in view.options}
    assert options == set(FILTERS)
    assert options == {field.name for field in attrs.fields(Filters)}

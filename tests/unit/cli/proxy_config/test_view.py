"""What all views have in common."""

import pytest

from meshd.cli.proxy_config.filters import Filters
from meshd.cli.proxy_config.registry import VIEWS
from meshd.cli.proxy_config.view import View


@pytest.mark.parametrize("view", VIEWS.values(), ids=list(VIEWS))
@pytest.mark.parametrize("dump", [{}, {"listeners": [], "routes": [], "clusters": [], "endpoints": [], "secrets": []}])
def test_nothing_gives_no_rows(view: View, dump: dict[str, object]) -> None:
    """Not even parts that are missing break a view."""
    assert [] == view.rows(view.select(dump, Filters()), Filters())

"""What is wrong with the mesh's access log format."""

import pytest

from meshd.base.errors import Problem
from meshd.compile.compiler import compile_snapshot
from meshd.compile.log_problems import log_problems
from meshd.model.mesh import Mesh
from meshd.model.world import World
from tests.helpers.services import machine, metadata, proxy

JSON = "JSON"
TEXT = "TEXT"
PERCENT = "expected %OPERATOR% at character 3, got '% off'; write %% for a percent sign"


@pytest.mark.parametrize(
    ("encoding", "text", "expected"),
    [
        (TEXT, "", []),
        (JSON, "", []),
        (TEXT, "%REQ(:METHOD)% %RESPONSE_CODE% 100%%", []),
        (TEXT, "%MADE_UP(:PATH)% %X%", ["%MADE_UP% is not known; it is logged as -", "%X% is not known; it is logged as -"]),
        (TEXT, "%RESPONSE_CODE(x)%", ["%RESPONSE_CODE(x)%: expected no argument"]),
        (TEXT, "50% off", [PERCENT]),
        (TEXT, "%" * 9999, ["expected %OPERATOR% at character 9999, got '%'; write %% for a percent sign"]),
        (JSON, '{"a": "%REQ(:METHOD)%"}', []),
        (JSON, '{"a": "%X%", "b": "50% off"}', ["%X% is not known; it is logged as -", PERCENT]),
        (JSON, '{"a": 1, "b": {"c": "%X%"}, "d": [null, "%Y%"]}', ["%X% is not known; it is logged as -", "%Y% is not known; it is logged as -"]),
    ],
)
def test_what_is_asked_for_in_vain(encoding, text, expected):
    """Each thing is said once, however many filters log."""
    assert expected == [problem.message for problem in log_problems(proxy(access_log_encoding=encoding, access_log_format=text))]


def test_a_log_that_is_off_has_no_problems():
    """Nothing is asked for then."""
    assert [] == log_problems(proxy(access_log_file="", access_log_format="%X%"))


def test_compiling_tells_of_them():
    """As warnings that name the Mesh and its field."""
    world = World().changed([Mesh(metadata("Mesh", "mesh", ""), access_log_format="%X%")])
    origin = metadata("Mesh", "mesh", "").origin
    expected = Problem(origin, "%X% is not known; it is logged as -", "spec.accessLogFormat", severity="warning")
    assert (expected,) == compile_snapshot(world, machine()).problems

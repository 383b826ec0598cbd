"""The command line."""

import os
from pathlib import Path

import pytest
from twisted.python.usage import UsageError
from twisted.scripts._twistd_unix import ServerOptions

from meshd.tap.options import Options, Places


def parse(*words: str) -> Options:
    """Parse a command line."""
    options = Options()
    options.parseOptions(list(words))
    return options


def test_defaults_are_those_of_the_package():
    """As the contracts name them."""
    expected = Places(Path("/etc/meshd"), Path("/run/meshd"), Path("/var/lib/meshd"), Path("/var/log/meshd"))
    options = parse()
    assert (expected, "", 0) == (options.places(), options["node"], options["workers"])


@pytest.mark.parametrize(("words", "expected"), [
    (["-n"], ""),
    (["-n", "--pidfile="], ""),
    (["-n", "--pidfile=/x/my.pid"], "/x/my.pid"),
    ([], os.path.abspath("twistd.pid")),
])
def test_the_foreground_has_no_pidfile(words, expected):
    """Unless one is asked for; a daemon has one, to be stopped by."""
    twistd = ServerOptions()
    twistd.parseOptions([*words, "meshd"])
    assert expected == twistd["pidfile"]


def test_places_are_absolute():
    """twistd changes the working directory."""
    assert Path(os.getcwd()) / "etc" == parse("--config-dir", "etc").places().config_dir


def test_a_snapshot_has_temporary_places():
    """Those that are given are used."""
    places = parse("--snapshot=x", "--log-dir=/l").places()
    assert places.temporary is not None
    assert (places.temporary / "run", places.temporary / "state", Path("/l")) == (places.run_dir, places.state_dir, places.log_dir)
    assert places.temporary != parse("--snapshot=x").places().temporary


def test_sockets_stand_in_the_run_directory():
    """Under the names that meshctl knows."""
    places = parse("--run-dir=/r").places()
    assert (Path("/r/control.sock"), Path("/r/admin.sock")) == (places.control_socket, places.admin_socket)


@pytest.mark.parametrize(("words", "said"), [
    (["--snapshot=x", "--config-dir=y"], "--config-dir says what --snapshot takes the place of"),
    (["--snapshot=x", "--node=y"], "--node says what --snapshot takes the place of"),
    (["--workers=-1"], "expected 0 to 256, got -1"),
    (["--workers=257"], "expected 0 to 256, got 257"),
    (["--workers=two"], "Parameter type enforcement failed"),
    (["--run-dir=/" + "x" * 94], "may have 107 bytes, control.sock would have 108"),
    (["--run-dir=/" + "ä" * 50], "control.sock would have 114"),
    (["--unknown"], "option --unknown not recognized"),
    (["word"], "Wrong number of arguments"),
])
def test_what_cannot_work_is_refused(words, said):
    """With what to do."""
    with pytest.raises(UsageError, match=said):
        parse(*words)


def test_the_longest_run_directory():
    """107 bytes are the kernel's limit."""
    assert 107 == len(str(parse("--run-dir=/" + "x" * 93).places().control_socket))

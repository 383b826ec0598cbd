"""The command line of `twistd meshd-webhook`."""

from pathlib import Path

import pytest
from twisted.python.usage import UsageError

from meshd.inject.settings import InjectSettings
from meshd.tap.webhook_options import WebhookOptions
from meshd.webhook.configuration import arguments_of


def options_of(*arguments):
    """Read a command line."""
    found = WebhookOptions()
    found.parseOptions(list(arguments))
    return found


def test_defaults():
    """Those of the settings; the certificate names the Service, the machine and loopback."""
    found = options_of()
    assert (InjectSettings(), 15017, None) == (found.settings(), found["port"], found.ca_dir())
    hosts = found.hosts(InjectSettings(namespace="mesh"))
    assert ("meshd-webhook.mesh.svc", ["localhost", "127.0.0.1"]) == (hosts[0], hosts[-2:])


def test_what_install_writes_is_understood(tmp_path):
    """Every setting comes back."""
    settings = InjectSettings("i", "Never", "r", "n", True, True, True, False, pull_secrets=("s", "t"))
    arguments = arguments_of(settings)
    mesh = tmp_path / "mesh.json"
    mesh.write_text('{"apiVersion": "meshd.io/v1", "kind": "Mesh", "metadata": {"name": "mesh"}, "spec": {"accessLogFile": "/dev/stdout"}}')
    arguments[arguments.index("--mesh") + 1] = str(mesh)
    assert settings == options_of(*arguments).settings()


def test_places_and_names(tmp_path, monkeypatch):
    """Paths are absolute, since twistd changes the working directory."""
    monkeypatch.chdir(tmp_path)
    found = options_of("--ca-dir", "ca", "--host", "a.example", "--host", "10.0.0.7")
    assert (Path(tmp_path / "ca"), ["a.example", "10.0.0.7"]) == (found.ca_dir(), found.hosts(InjectSettings()))


@pytest.mark.parametrize(("arguments", "said"), [
    (["--port", "0"], "--port: expected a port from 1 to 65535, got 0"),
    (["--pull-policy", "Sometimes"], "--pull-policy: expected Always, IfNotPresent or Never, got Sometimes"),
    (["--host", "a"] * 33, "--host: expected at most 32, got 33"),
])
def test_what_cannot_work(arguments, said):
    """Is refused before anything is done."""
    with pytest.raises(UsageError, match=said):
        options_of(*arguments)


def test_no_pidfile_in_the_foreground():
    """A container's first process always has the same number."""
    parent = {"nodaemon": True, "pidfile": "twistd.pid"}
    found = WebhookOptions()
    found.parent = parent
    found.parseOptions([])
    assert "" == parent["pidfile"]

"""What twistd calls for the webhook."""

import pytest
from twisted.application.service import IService
from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from meshd.tap import webhook_plugin
from meshd.tap.webhook_options import WebhookOptions


class Reactor(Clock):
    """A reactor that listens nowhere."""

    def __init__(self):
        """Begin without ports."""
        super().__init__()
        self.ports = []
        self.fault = None
        self.stopped = False

    def listenSSL(self, port, factory, contextFactory, interface=""):
        """Remember a port."""
        if self.fault is not None:
            raise self.fault
        self.ports.append((port, interface))
        return self

    def stopListening(self):
        """Forget it."""
        self.ports.pop()

    def addSystemEventTrigger(self, phase, event, call):
        """Take what is to be done in the end."""

    def stop(self):
        """Remember that."""
        self.stopped = True


@pytest.fixture
def reactor(monkeypatch):
    """Give the reactor."""
    found = Reactor()
    monkeypatch.setattr(webhook_plugin, "installed_reactor", found)
    return found


def options_of(*arguments):
    """Read a command line."""
    found = WebhookOptions()
    found.parseOptions(list(arguments))
    return found


def test_from_start_to_stop(reactor, tmp_path):
    """It listens once it has a certificate, and leaves nothing behind."""
    service = webhook_plugin.makeService(options_of("--ca-dir", str(tmp_path / "ca"), "--port", "15018", "--address", "127.0.0.1"))
    assert verifyObject(IService, service)
    assert [] == reactor.ports
    service.startService()
    assert ([(15018, "127.0.0.1")], ["ca.crt", "ca.key"]) == (reactor.ports, sorted(path.name for path in (tmp_path / "ca").iterdir()))
    service.stopService()
    assert ([], []) == (reactor.ports, reactor.getDelayedCalls())


def test_a_port_that_is_taken(reactor, tmp_path):
    """Ends it."""
    reactor.fault = CannotListenError("", 15017, OSError(98, "in use"))
    webhook_plugin.makeService(options_of("--ca-dir", str(tmp_path / "ca"))).startService()
    assert reactor.stopped


def test_what_cannot_be_used_ends_with_one_line(reactor, tmp_path):
    """Before anything is done."""
    with pytest.raises(SystemExit, match=r"meshd-webhook: .*nowhere"):
        webhook_plugin.makeService(options_of("--kubeconfig", str(tmp_path / "nowhere")))
    with pytest.raises(SystemExit, match="expected one document of kind Mesh"):
        (tmp_path / "mesh.yaml").write_text("")
        webhook_plugin.makeService(options_of("--mesh", str(tmp_path / "mesh.yaml")))


def test_keys_stay_with_their_owner(reactor, tmp_path):
    """Whatever the umask."""
    webhook_plugin.makeService(options_of("--ca-dir", str(tmp_path / "ca"))).startService()
    assert 0o600 == (tmp_path / "ca" / "ca.key").stat().st_mode & 0o777

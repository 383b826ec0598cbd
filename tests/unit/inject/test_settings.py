"""The settings of an injector."""

from meshd import __version__
from meshd.inject.settings import INIT, SIDECAR, InjectSettings, Resources


def test_defaults_are_istios():
    """The resources of its sidecars, plain labels, and a log where kubectl finds it."""
    settings = InjectSettings()
    assert (f"meshd:{__version__}", "default", "istio-system") == (settings.image, settings.revision, settings.namespace)
    assert Resources("100m", "128Mi", "2000m", "1024Mi") == settings.resources
    assert {"accessLogFile": "/dev/stdout"} == settings.mesh


def test_the_sidecar_has_istios_name():
    """Tools look for it."""
    assert ("istio-proxy", "meshd-init") == (SIDECAR, INIT)

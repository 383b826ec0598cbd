"""Which kubeconfig counts, and the service account of a pod."""

import pytest

from meshd.kubernetes.connection import Pem, User
from meshd.kubernetes.kubeconfig import KubeconfigError, load_connection

CONFIG = """
clusters: [{name: c, cluster: {server: "https://SERVER"}}]
contexts: [{name: x, context: {cluster: c}}, {name: why, context: {cluster: c, namespace: why}}]
current-context: x
"""


@pytest.fixture
def home(tmp_path):
    """A home with a kubeconfig, and a pod's service account."""
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text(CONFIG.replace("SERVER", "home"))
    (tmp_path / "other").write_text(CONFIG.replace("SERVER", "other"))
    account = tmp_path / "account"
    account.mkdir()
    for name, text in (("token", "t"), ("ca.crt", "roots"), ("namespace", "shop\n")):
        (account / name).write_text(text)
    return tmp_path


POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.mark.parametrize(
    ("named", "context", "environment", "expected"),
    [
        ("", "", {}, "https://home"),
        ("other", "", {"KUBECONFIG": ".kube/config"}, "https://other"),
        ("", "", {"KUBECONFIG": "other"}, "https://other"),
        ("", "", {"KUBECONFIG": "missing:other:"}, "https://other"),
        ("", "", {"KUBECONFIG": "other", **POD}, "https://other"),
        ("", "", POD, "https://10.96.0.1:443"),
        ("", "", {"KUBERNETES_SERVICE_HOST": "fd00::1"}, "https://[fd00::1]:443"),
        ("", "why", POD, "https://home"),
    ],
)
def test_what_is_named_most_closely_counts(home, named, context, environment, expected):
    """An argument, a variable, the pod's own, the home's; a context is one of a kubeconfig."""
    environment = {"HOME": str(home), **environment}
    if "KUBECONFIG" in environment:
        environment["KUBECONFIG"] = ":".join(f"{home}/{name}" for name in environment["KUBECONFIG"].split(":") if name)
    found = load_connection(named and f"{home}/{named}", context, environment=environment, service_account=str(home / "account"))
    assert expected == found.server
    assert ("why" if context else "shop" if "10.96" in expected or "fd00" in expected else "default") == found.namespace


def test_the_service_account_of_a_pod(home):
    """Its token file is written anew by the kubelet, so it is named, not read."""
    account = str(home / "account")
    found = load_connection(environment=POD, service_account=account)
    assert (Pem(place=f"{account}/ca.crt"), User(token_file=f"{account}/token")) == (found.authority, found.user)
    assert "the service account of this pod" == found.origin


def test_what_is_not_there_is_told(home):
    """Each with what to do."""
    def said(**given):
        with pytest.raises(KubeconfigError) as raised:
            load_connection(**given, service_account=str(home / "account"))
        return str(raised.value)

    expected = "expected a file that can be read: No such file or directory; name a kubeconfig that can be read"
    assert f"{home}/x/.kube/config: {expected}" == said(environment={"HOME": f"{home}/x"})
    assert f"/nowhere: {expected}" == said(kubeconfig="/nowhere", environment={})
    assert "/a:/b: expected files of which at least one is there, got none" == said(kubeconfig="/a:/b", environment={})
    (home / "account" / "ca.crt").unlink()
    assert said(environment=POD).endswith("; the kubelet puts it there; give a kubeconfig where there is none")

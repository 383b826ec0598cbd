"""`meshctl webhook`."""

import json

import pytest

from meshd.cli import webhook
from meshd.sources.rewriting import read_parts
from meshd.webhook.authority import make_authority, wall_time
from tests.helpers.api_server import ApiServer, done
from tests.helpers.command_line import meshctl

URL = "https://10.0.0.7:15017/inject"


@pytest.fixture
def server(monkeypatch):
    """Give the API server that commands ask."""
    found = ApiServer()
    asked = found.connections = []

    def with_client(kubeconfig, context, work):
        asked.append((kubeconfig, context))
        return done(work(found, None))

    monkeypatch.setattr(webhook, "_with_client", with_client)
    return found


def kinds(text):
    """Give the kinds of the documents of a text."""
    return [part.document.body["kind"] for part in read_parts(text.encode(), "a.yaml") if part.document]


def test_print_shows_everything():
    """And asks nobody."""
    result = meshctl("webhook", "print", "--image", "example.com/meshd:1", "--replicas", "3")
    assert (0, "") == (result.exit_code, result.stderr)
    assert ["Namespace", "ServiceAccount", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] == [
        kind for kind in kinds(result.stdout) if kind in ("Namespace", "ServiceAccount") or "Webhook" in kind
    ]
    assert "replicas: 3" in result.stdout and "image: example.com/meshd:1" in result.stdout


def test_print_for_one_outside(tmp_path):
    """Nothing runs in the cluster then."""
    (tmp_path / "ca.crt").write_text(make_authority(wall_time(1.8e9)).bundle)
    result = meshctl("webhook", "print", "--url", URL, "--ca-file", str(tmp_path / "ca.crt"), "--validation-policy", "off", "-o", "json",
                     "--failure-policy", "Ignore", "--timeout", "3", "--reinvocation-policy", "IfNeeded")
    *_, found = json.loads(result.stdout)["items"]
    client = found["webhooks"][0]["clientConfig"]
    assert (URL, True, "Ignore", 3) == (
        client["url"], len(client["caBundle"]) > 100, found["webhooks"][0]["failurePolicy"], found["webhooks"][0]["timeoutSeconds"],
    )


@pytest.mark.parametrize(("arguments", "status", "said"), [
    (("print", "--url", "http://a/inject"), 2, "--url: expected https://HOST:PORT/inject, got http://a/inject"),
    (("print", "--url", "https://a/other"), 2, "--url: expected https://HOST:PORT/inject"),
    (("print", "--url", "https:///inject"), 2, "--url: expected https://HOST:PORT/inject"),
    (("print", "--ca-file", "/nowhere"), 1, "/nowhere: expected a readable file: No such file or directory"),
    (("print", "--ca-file", "/dev/null"), 1, "/dev/null: expected certificates in PEM, got something else"),
])
def test_wrong_usage(arguments, status, said):
    """One line."""
    result = meshctl("webhook", *arguments)
    assert (status, True) == (result.exit_code, said in result.stderr), result.stderr


def test_install_and_uninstall(server):
    """With an authority that is made first; nothing stays but the namespace."""
    result = meshctl("webhook", "install", "--kubeconfig", "k", "--context", "c")
    assert 0 == result.exit_code, result.output
    assert result.stdout.startswith("applied: Namespace istio-system\n")
    assert 1 == result.stdout.count("Namespace")
    [injector] = [found for path, found in server.objects.items() if "mutatingwebhookconfigurations" in path]
    assert all(one["clientConfig"]["caBundle"] for one in injector["webhooks"])
    assert any(path.endswith("/secrets/meshd-webhook-ca") for path in server.objects)
    result = meshctl("webhook", "uninstall")
    assert result.stdout.startswith("deleted: ValidatingWebhookConfiguration")
    kept = [path.rsplit("/", 1)[1] for path in server.objects]
    assert (["istio-system", "meshd-reader", "meshd-sidecars"], [("k", "c"), ("", "")]) == (kept, server.connections)


def test_install_of_one_outside(server):
    """Only what asks it."""
    result = meshctl("webhook", "install", "--url", URL)
    names = [
        "ClusterRole meshd-reader", "ClusterRoleBinding meshd-sidecars", "MutatingWebhookConfiguration istio-sidecar-injector",
        "ValidatingWebhookConfiguration meshd-validator-istio-system",
    ]
    assert [f"applied: {name}" for name in names] == result.stdout.splitlines()


def test_install_with_an_authority_of_a_file(server, tmp_path):
    """The cluster need not keep one."""
    (tmp_path / "ca.crt").write_text(make_authority(wall_time(1.8e9)).bundle)
    assert 0 == meshctl("webhook", "install", "--url", URL, "--ca-file", str(tmp_path / "ca.crt")).exit_code
    assert not any("secrets" in path for path in server.objects)

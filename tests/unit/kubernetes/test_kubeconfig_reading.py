"""Kubeconfigs: what is read, and what is said of what cannot be."""

from base64 import b64encode

import pytest

from meshd.kubernetes.connection import Pem
from meshd.kubernetes.kubeconfig_reading import KubeconfigError, read_connection

PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
DATA = b64encode(PEM.encode()).decode()
SECRET = "s3cr3t"


def written(cluster="", user="", context="", rest="current-context: x\n"):
    """Give a kubeconfig with one of each; fields of one line each stand in braces."""
    return f"""apiVersion: v1
kind: Config
clusters:
- name: c
  cluster: {{server: "https://10.0.0.1:6443", {cluster}}}
users:
- name: u
  user: {{{user}}}
contexts:
- name: x
  context: {{cluster: c, user: u, {context}}}
{rest}"""


def read(text, context=""):
    """Read one file."""
    return read_connection([("/home/x/.kube/config", text)], context)


def test_reads_a_connection():
    """Server, roots, name and namespace of the current context."""
    found = read(written(f"certificate-authority-data: {DATA}, tls-server-name: api.example", f"token: {SECRET}", "namespace: shop"))
    assert ("https://10.0.0.1:6443", "api.example", "shop", True) == (found.server, found.tls_server_name, found.namespace, found.verify)
    assert Pem(PEM, "/home/x/.kube/config:5: clusters[0].cluster.certificate-authority-data") == found.authority
    assert SECRET == found.user.token
    assert "context x of /home/x/.kube/config" == found.origin
    assert () == found.warnings


def test_paths_begin_at_the_kubeconfig():
    """As in kubectl; commands with a slash too, others are found on PATH."""
    found = read(written(
        "certificate-authority: pki/ca.crt",
        "client-certificate: ../u.crt, client-key: /etc/u.key, tokenFile: t, exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/get}",
    ))
    assert "/home/x/.kube/pki/ca.crt" == found.authority.place
    assert ("/home/x/.kube/../u.crt", "/etc/u.key") == (found.user.certificate.place, found.user.key.place)
    assert "/home/x/.kube/t" == found.user.token_file
    assert "/home/x/.kube/bin/get" == found.user.plugin.command


def test_data_goes_before_files():
    """Where both stand there."""
    found = read(written(f"certificate-authority: ca.crt, certificate-authority-data: {DATA}"))
    assert PEM == found.authority.text


def test_reads_programs():
    """All that a credential program may have."""
    found = read(written(
        'extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: "a"}}]',
        "exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: get, args: [--x, z], env: [{name: A, value: b}], installHint: apt,"
        " provideClusterInfo: true, interactiveMode: IfAvailable}",
    )).user.plugin
    assert ("get", ("--x", "z"), (("A", "b"),), "apt") == (found.command, found.arguments, found.environment, found.hint)
    assert ("client.authentication.k8s.io/v1beta1", True, '{"audience": "a"}') == (found.api_version, found.told_cluster, found.cluster_config)


def test_the_first_file_that_has_something_counts():
    """As kubectl merges the files of $KUBECONFIG."""
    first = "contexts: [{name: x, context: {cluster: c, user: u}}]\n"
    second = written(user="token: second") + "\n"
    third = written(user="token: third", rest="current-context: other\n").replace("10.0.0.1", "10.0.0.3")
    found = read_connection([("a", first), ("b", second), ("c", third)])
    assert ("https://10.0.0.1:6443", "second") == (found.server, found.user.token)


def test_what_the_context_does_not_need_may_be_odd():
    """Other contexts, clusters and users are nobody's business."""
    other = "users:\n- {name: other, user: {auth-provider: {name: gcp}}}\n"
    found = read(written().replace("users:\n", other) + "extensions: {a: b}\npreferences: 3\n")
    assert "https://10.0.0.1:6443" == found.server


def test_unknown_fields_are_warned_of():
    """They change nothing."""
    found = read(written("certificate-authoritydata: x"))
    expected = "/home/x/.kube/config:5: clusters[0].cluster.certificate-authoritydata: "
    assert [f"{expected}expected a known field, got certificate-authoritydata, which is ignored; did you mean certificate-authority-data?"] == [
        str(warning) for warning in found.warnings
    ]


AT = ":5: clusters[0].cluster."
OURS = ":8: users[0].user."
GIVEN = ":11: contexts[0].context."
EXEC = "exec: {command: get, apiVersion: client.authentication.k8s.io/v1"
GONE = "Kubernetes 1.19 took basic authentication away; use a token or a certificate"
NO_SERVERS = (
    "10.0.0.1:6443", "ftp://x", "https://", f"https://u:{SECRET}@x", "https://x?y", "https://x#y", "https://x:0", "https://x:99999", "https://x y",
)
MALFORMED = [
    ("", ": expected one document, got 0"),
    ("a: b\n---\nc: d\n", ": expected one document, got 2"),
    ("- a\n", ":1: expected a mapping with clusters, contexts and users, got a list"),
    ("just text", ":1: expected a mapping with clusters, contexts and users, got a single value"),
    ("a: [", ":2: expected YAML, got a fault: did not find expected node content"),
    ("[" * 200, ": expected at most 100 levels of nesting, got more"),
    ("kind: Pod\n", ":1: kind: expected Config, got 'Pod'"),
    ("contexts: 1\ncurrent-context: x\n", ":1: contexts: expected a list, got the number 1; begin each item with '- '"),
    ("contexts: []\ncurrent-context: x\n", ": contexts: expected a context called 'x', got none of that name; there is none"),
    (written(rest=""), ": current-context: expected the name of a context, got nothing; there are x"),
    (written(rest="current-context: 5"), ":12: current-context: expected text, got the number 5; quote it"),
    (written(rest="current-context: other"), ": contexts: expected a context called 'other', got none of that name; there are x"),
    (written().replace("cluster: c", "cluster: d"), GIVEN + "cluster: expected the name of one of clusters, got 'd'; there are c"),
    (written().replace("cluster: c,", ""), GIVEN + "cluster: expected a text, got nothing"),
    (written().replace("user: u", "user: v"), GIVEN + "user: expected the name of one of users, got 'v'; there are u"),
    (
        written(context="namespace: a/b"),
        GIVEN + "namespace: expected a name of lower-case letters, digits and '-' (RFC 1123 label, at most 63 characters), got 'a/b'",
    ),
    (written().replace('"https://10.0.0.1:6443"', '""'), AT + "server: expected a text, got an empty text"),
    *(
        (
            written().replace("https://10.0.0.1:6443", url),
            AT + "server: expected a URL such as https://10.0.0.1:6443, without a user or a query, got something else",
        )
        for url in NO_SERVERS
    ),
    (
        written(user=f"token: {SECRET}").replace("https://10", "http://10"),
        AT + "server: expected https for a user with credentials, got http; they would be readable on the way",
    ),
    (
        written(f"insecure-skip-tls-verify: true, certificate-authority-data: {DATA}"),
        AT + "insecure-skip-tls-verify: expected true only where no certificate-authority is given, got both; remove one of them",
    ),
    (
        written('proxy-url: "http://proxy:3128"'),
        AT + "proxy-url: proxies are not served, and the server would be asked past it; remove it where the server can be reached",
    ),
    (written("insecure-skip-tls-verify: 'true'"), AT + "insecure-skip-tls-verify: expected true or false, got 'true'; remove the quotes"),
    (
        written("certificate-authority-data: '###'"),
        AT + "certificate-authority-data: expected PEM in base64, got something else; give the path of a file by the field without -data",
    ),
    (written("certificate-authority-data: aGVsbG8="), AT + "certificate-authority-data: expected PEM in base64, got something else"),
    (
        written(user=f"client-certificate: u.crt, client-key-data: {SECRET}"),
        OURS + "client-key-data: expected PEM in base64, got something else; give the path of a file by the field without -data\n"
        "/home/x/.kube/config:8: users[0].user.client-key: expected client-key or client-key-data beside client-certificate, got nothing",
    ),
    (
        written(user="client-certificate: u.crt"),
        OURS + "client-key: expected client-key or client-key-data beside client-certificate, got nothing",
    ),
    (
        written(user="client-key: u.key"),
        OURS + "client-certificate: expected client-certificate or client-certificate-data beside client-key, got nothing",
    ),
    (written(user="token: 31337"), OURS + "token: expected text, got something else; quote it"),
    (written(user=f"token: {'3' * 60}"), OURS + "token: expected text, got something else; quote it if it is text"),
    (written(user=f'token: "{SECRET}\\r\\nX: y"'), OURS + "token: expected letters, digits and signs of ASCII on one line, got something else"),
    (written(user=f"username: a, password: {SECRET}"), OURS + f"username: username is not served; {GONE}\n"
                                                      f"/home/x/.kube/config:8: users[0].user.password: password is not served; {GONE}"),
    (written(user="auth-provider: {name: gcp}"), OURS + "auth-provider: auth-provider is not served; Kubernetes 1.26 took it away; use exec"),
    (written(user="as: root"), OURS + "as: as is not served; give the user itself the permissions that it needs"),
    (written(user="exec: {apiVersion: client.authentication.k8s.io/v1}"), OURS + "exec.command: expected a text, got nothing"),
    (
        written(user="exec: {command: get}"),
        OURS + "exec.apiVersion: expected client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1, got nothing",
    ),
    (
        written(user="exec: {command: get, apiVersion: client.authentication.k8s.io/v1alpha1}"),
        OURS + "exec.apiVersion: expected client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1, got "
        "'client.authentication.k8s.io/v1alpha1'; did you mean client.authentication.k8s.io/v1?",
    ),
    (
        written(user=EXEC + ", interactiveMode: Always}"),
        OURS + "exec.interactiveMode: expected Never or IfAvailable, got Always; meshd has no terminal on which to ask anybody",
    ),
    (
        written(user=EXEC + f", args: [--password, {SECRET}, 5]}}"),
        OURS + "exec.args: expected a list of texts, got something else; quote numbers and booleans",
    ),
    (written(user=EXEC + ", env: [{name: A, value: 5}]}"), OURS + "exec.env[0].value: expected text, got something else; quote it"),
    (written(user=EXEC + ", env: [{value: x}]}"), OURS + "exec.env[0].name: expected a text, got nothing"),
]


@pytest.mark.parametrize(("text", "expected"), MALFORMED)
def test_says_what_is_wrong(text, expected):
    """Where, which field, what was expected, what was found; and nothing that is secret."""
    with pytest.raises(KubeconfigError) as raised:
        read(text)
    assert f"/home/x/.kube/config{expected}" == str(raised.value)
    assert SECRET not in str(raised.value)

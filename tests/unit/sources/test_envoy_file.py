"""Files of Envoy's from bytes: JSON and YAML, with lines."""

import json

import pytest

from meshd.sources.envoy_file import read_envoy_bytes, read_envoy_file

JSON = json.dumps({"static_resources": {"clusters": [{"name": "c", "odd": 1}]}}, indent=1).encode()
YAML = b"""static_resources:
  clusters:
  - name: c
    odd: 1
"""


@pytest.mark.parametrize(("content", "line"), [(JSON, 6), (YAML, 4), (b"\n\n" + JSON, 8)])
@pytest.mark.parametrize("file", ["x.json", "x.yaml", "x"])
def test_both_are_read_whatever_the_file_is_called(content, line, file):
    """What they begin with tells them apart; messages have the line."""
    if file == "x.json" and content == YAML:
        content, line = JSON, 6
    found = read_envoy_bytes(content, file)
    said = "static_resources.clusters[0].odd: expected a field of Cluster that meshd knows; what it asks for is not done"
    assert [f"{file}:{line}: {said}"] == [str(problem) for problem in found.problems]
    assert ["c"] == list(found.snapshot.clusters)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "x: expected one document, found 0"),
        (b"a: 1\n---\nb: 2\n", "x: expected one document, found 2"),
        (b"{", "expected JSON"),
        (b"a: [", "expected YAML"),
        (b"- 1\n", "expected a mapping"),
        (b'{"a": 1, "a": 2}', "expected each key once"),
        (b"\xff\xff", "expected UTF-8"),
        (b"a: \x00", "expected printable text"),
        (b"{}", "x:1: staticResources: expected listeners and clusters"),
        (b"[" * 2000, "nest"),
        (b'{"static_resources": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}", "nesting"),
    ],
)
def test_what_cannot_be_read_at_all(content, said):
    """There is one clear reason."""
    found = read_envoy_bytes(content, "x")
    assert found.snapshot is None
    assert said in str(found.problems[-1])


def test_files(tmp_path):
    """One that is not there is a problem, too."""
    path = tmp_path / "x.json"
    assert f"{path}: expected a file that can be read: No such file or directory" == str(read_envoy_file(str(path)).problems[0])
    path.write_bytes(JSON)
    assert ["c"] == list(read_envoy_file(str(path)).snapshot.clusters)
    assert "Is a directory" in str(read_envoy_file(str(tmp_path)).problems[0])


def test_a_large_file_is_refused(tmp_path, monkeypatch):
    """Before it is read to the end."""
    monkeypatch.setattr("meshd.sources.envoy_file.MAX_FILE_BYTES", 10)
    monkeypatch.setattr("meshd.sources.documents.MAX_FILE_BYTES", 10)
    path = tmp_path / "x.json"
    path.write_bytes(JSON)
    assert "expected a file of at most" in str(read_envoy_file(str(path)).problems[0])


def test_what_access_logs_ask_for_in_vain():
    """Is told once, whoever writes them; the log is written all the same."""
    kind = "type.googleapis.com/envoy.extensions"
    log = {"name": "l", "filter": {"extensionFilter": {"name": "c", "typedConfig": {
        "@type": f"{kind}.access_loggers.filters.cel.v3.ExpressionFilter", "expression": "response.code >"}}}, "typedConfig": {
        "@type": f"{kind}.access_loggers.file.v3.FileAccessLog", "path": "/l", "logFormat": {"textFormat": "%MADE_UP%"}}}
    proxy = {"@type": f"{kind}.filters.network.tcp_proxy.v3.TcpProxy", "statPrefix": "t", "cluster": "c", "accessLog": [log]}
    listeners = [{"name": name, "address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}}, "filterChains": [
        {"filters": [{"name": "t", "typedConfig": proxy}]}]} for name, port in (("a", 1001), ("b", 1002))]
    found = read_envoy_bytes(json.dumps({"staticResources": {"listeners": listeners, "clusters": [{"name": "c"}]}}).encode(), "x")
    assert [
        "x: access log /l: %MADE_UP% is not known; it is logged as -",
        "x: access log /l: filter: character 16: expected a name, got 'the end'; every line is written",
    ] == [str(problem) for problem in found.problems if "access log" in str(problem)]
    assert {"a", "b"} == set(found.snapshot.listeners)

"""Where a server is, and what of it is shown."""

import os

import pytest

from meshd.kubernetes.connection import MOST_BYTES, Connection, CredentialsError, ExecPlugin, Pem, User, read_file


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("https://10.0.0.1:6443", ("10.0.0.1", 6443, True)),
        ("https://api.example/k8s", ("api.example", 443, True)),
        ("http://[::1]", ("::1", 80, False)),
    ],
)
def test_takes_urls_apart(server, expected):
    """Host, port, and whether it is TLS."""
    connection = Connection(server)
    assert expected == (connection.host, connection.port, connection.is_secure)


def test_shows_nothing_secret():
    """Neither tokens nor keys nor what a program is given."""
    plugin = ExecPlugin("aws", ("--password", "s3cr3t"), (("TOKEN", "s3cr3t"),), cluster_config='"s3cr3t"')
    connection = Connection("https://x", user=User(Pem("s3cr3t"), Pem("s3cr3t"), "s3cr3t", plugin=plugin))
    assert "s3cr3t" not in repr(connection) + str(connection)
    assert connection.user.has_secret and not User().has_secret


def test_reads_files(tmp_path):
    """A file as it is now."""
    path = tmp_path / "token"
    path.write_text("abc")
    assert "abc" == Pem(place=str(path)).read()
    assert "inline" == Pem("inline", str(path)).read()


def test_files_of_no_use(tmp_path):
    """What cannot be read is told without its content, and nothing is waited for."""
    def said(content=None):
        path = tmp_path / "file"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(CredentialsError) as raised:
            read_file(str(path))
        return str(raised.value).removeprefix(f"{path}: ")

    assert "expected a file that can be read: No such file or directory" == said()
    assert "expected a file of 1 to 1048576 bytes" == said(b"")
    assert "expected a file of 1 to 1048576 bytes" == said(b"x" * (MOST_BYTES + 1))
    assert "expected a file that can be read: found bytes that are no text" == said(b"\xff\xfe")
    (tmp_path / "file").unlink()
    os.mkfifo(tmp_path / "file")
    assert "expected a file of 1 to 1048576 bytes" == said()
    with pytest.raises(CredentialsError, match="its name is no path"):
        read_file("a\0b")

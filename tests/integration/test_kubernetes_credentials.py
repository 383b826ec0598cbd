"""Who an API server is and who we are to it, on real sockets and with real programs: certificates, tokens, credential programs."""

import json
import os
import stat
import sys
from datetime import timedelta

import attrs
import pytest

from meshd.kubernetes.answers import ApiError, NoAnswerError
from meshd.kubernetes.connection import CredentialsError, ExecPlugin, Pem, User
from meshd.kubernetes.exec_plugin import MOST_OUTPUT
from tests.helpers.api_client_rig import TOKEN, client_rig
from tests.helpers.certificates import DAY, Authority
from tests.helpers.hostile_api import begin_stream, reply, say_no, send_chunk

PODS = "/api/v1/pods"
V1 = "client.authentication.k8s.io/v1"


@pytest.fixture
def rig(tmp_path):
    """Servers and clients."""
    with client_rig(tmp_path) as made:
        yield made


def well(stream, request):
    """Answer as one should, with who has asked."""
    reply(stream, {"token": request.headers.get("authorization", ""), "certificate": request.certificate})


ROOT = Authority()


@pytest.mark.parametrize(
    ("issued", "authority", "expected"),
    [
        (
            ROOT.issue("127.0.0.1", age=DAY * 3, life=DAY), ROOT, "its certificate has expired; renew it, or check our clock",
        ),
        (ROOT.issue("127.0.0.1", age=-DAY, life=DAY * 3), ROOT, "its certificate is not valid yet; check the clocks"),
        (
            ROOT.issue("127.0.0.1"), Authority("other"),
            "its certificate comes from an authority that is not trusted; give that as certificate-authority",
        ),
        (ROOT.issue("10.0.0.1"), ROOT, "its certificate is not for 127.0.0.1; give a name that it has as tls-server-name"),
        (ROOT.issue("api.example"), ROOT, "its certificate is not for 127.0.0.1; give a name that it has as tls-server-name"),
    ],
    ids=["expired", "early", "unknown", "address", "name"],
)
def test_servers_that_are_not_trusted(rig, issued, authority, expected):
    """They are told nothing: no request, no token."""
    server = rig.serve(well, issued=issued, authority=authority)
    client = rig.client(server)
    assert expected == rig.failing(client.get(PODS))
    assert expected == rig.failing(client.stream(PODS, {}, list))
    assert [] == server.requests


def test_names_to_trust(rig):
    """Another name than that of the URL; or whoever answers, if that was asked for."""
    server = rig.serve(well, issued=ROOT.issue("api.example"), authority=ROOT)
    assert f"Bearer {TOKEN}" == rig.own.wait(rig.client(server, tls_server_name="api.example").get(PODS))["token"]
    assert f"Bearer {TOKEN}" == rig.own.wait(rig.client(server, authority=None, verify=False).get(PODS))["token"]
    said = rig.failing(rig.client(server, tls_server_name="other.example").get(PODS))
    assert "its certificate is not for other.example; give a name that it has as tls-server-name" == said


def test_the_roots_of_the_machine(rig):
    """They do not know our authority."""
    said = rig.failing(rig.client(rig.serve(well), authority=None).get(PODS))
    assert "its certificate comes from an authority that is not trusted; give that as certificate-authority" == said


def test_roots_that_are_written_anew(rig, tmp_path):
    """A client that was told of the wrong ones takes the right ones up at its next try."""
    path = tmp_path / "ca.crt"
    path.write_text(Authority("other").chain)
    server = rig.serve(well)
    client = rig.client(server, authority=Pem(place=str(path)))
    assert rig.failing(client.get(PODS)).startswith("its certificate comes from an authority that is not trusted")
    path.write_text(server.authority.chain)
    assert f"Bearer {TOKEN}" == rig.own.wait(client.get(PODS))["token"]


def test_client_certificates(rig, tmp_path):
    """They are shown, from files that may be written anew; without one the server ends TLS."""
    server = rig.serve(well, asks_certificate=True)
    certificate, key = server.authority.issue("one").write(tmp_path, "client")
    client = rig.client(server, user=User(Pem(place=certificate), Pem(place=key)))
    assert {"token": "", "certificate": "one"} == rig.own.wait(client.get(PODS))
    server.authority.issue("two").write(tmp_path, "client")
    assert "one" == rig.own.wait(client.get(PODS))["certificate"]
    client._credentials.look_again()
    assert "two" == rig.own.wait(client.get(PODS))["certificate"]
    said = rig.failing(rig.client(server).get(PODS))
    assert said.startswith("the server ended TLS (") and said.endswith("; check our certificate if it asks for one")


def test_a_client_certificate_that_has_expired(rig, tmp_path):
    """The server ends TLS; once the files have been written anew the next try is well."""
    server = rig.serve(well, asks_certificate=True)
    certificate, key = server.authority.issue("old", age=DAY * 3, life=timedelta(days=1)).write(tmp_path, "client")
    client = rig.client(server, user=User(Pem(place=certificate), Pem(place=key)))
    assert "expired" in rig.failing(client.get(PODS))
    server.authority.issue("new").write(tmp_path, "client")
    assert "new" == rig.own.wait(client.get(PODS))["certificate"]


def test_plain_http(rig):
    """A server that speaks no TLS is told so."""
    server = rig.serve(well)
    plain = rig.client(server)
    plain.connection = attrs.evolve(plain.connection, server=server.url.replace("https", "http"))
    with pytest.raises(NoAnswerError, match="in the middle of an answer"):
        rig.own.wait(plain.get(PODS))


def test_a_token_that_is_written_anew(rig, tmp_path):
    """A refused one is read anew at once, in a request and at the beginning of a watch; the old one is not tried again."""
    path = tmp_path / "token"
    path.write_text("one\n")
    good = ["one"]

    def answer(stream, request):
        if request.headers["authorization"] != f"Bearer {good[0]}":
            say_no(stream, "401 Unauthorized", f"{request.headers['authorization']} is of no use")
        elif "watch" in request.path:
            begin_stream(stream)
            send_chunk(stream, b"{}\n")
            send_chunk(stream, b"")
        else:
            reply(stream, {})

    server = rig.serve(answer)
    client = rig.client(server, user=User(token_file=str(path)))
    rig.own.wait(client.get(PODS))
    for token in ("two", "three"):
        path.write_text(token)
        good[0] = token
        lines = []
        rig.own.wait(client.stream(PODS, {"watch": "true"}, lines.append))
        assert [b"{}"] == lines
        rig.own.wait(client.get(PODS))
    good[0] = "four"
    asked = len(server.requests)
    said = rig.failing(client.get(PODS), ApiError)
    assert "401 Unauthorized: Bearer ... is of no use; check the credentials of context x of f" == said
    assert 1 == len(server.requests) - asked


class Programs:
    """Credential programs of a test, and the servers that take what they give."""

    def __init__(self, rig, folder):
        """Begin with none."""
        self.rig = rig
        self.folder = folder

    def write(self, body):
        """Write a program in Python; give its path."""
        path = self.folder / "get-token"
        path.write_text(f"#!{sys.executable} -S\nimport json, os, sys, time\n{body}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    def user(self, body, **settings):
        """Give somebody whose credentials come from a program."""
        return User(plugin=ExecPlugin(self.write(body), **settings))

    def fails(self, body, **settings):
        """Give what is said of a program's failure, without its path."""
        said = self.rig.failing(self.rig.client(self.rig.serve(well), user=self.user(body, **settings)).get(PODS), CredentialsError)
        start = f"the credential program {self.folder}/get-token: "
        assert said.startswith(start)
        return said.removeprefix(start)


@pytest.fixture
def programs(rig, tmp_path):
    """Credential programs."""
    return Programs(rig, tmp_path)


GIVE = "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential', 'status': %s}))"


def test_a_program_gives_a_token(rig, programs):
    """It is told of the cluster and given its environment; one run serves many requests."""
    body = f"""open({str(programs.folder / "runs")!r}, "a").write("run\\n")
told = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
cluster = told["spec"]["cluster"]
assert told["apiVersion"] == "{V1}" and told["spec"]["interactive"] is False and sys.stdin.read() == ""
{GIVE % "{'token': '-'.join([sys.argv[1], os.environ['EXTRA'], cluster['config']['audience'], cluster['server'][:5]])}"}"""
    user = programs.user(body, arguments=("a",), environment=(("EXTRA", "b"),), told_cluster=True, cluster_config=json.dumps({"audience": "c"}))
    client = rig.client(rig.serve(well), user=user)
    pending = [client.get(PODS) for _ in range(5)]
    assert ["Bearer a-b-c-https"] * 5 == [rig.own.wait(one)["token"] for one in pending]
    assert "run\n" == (programs.folder / "runs").read_text()


def test_a_program_gives_a_certificate(rig, programs, tmp_path):
    """That is shown to the server."""
    server = rig.serve(well, asks_certificate=True)
    issued = server.authority.issue("somebody")
    body = GIVE % f"{{'clientCertificateData': {issued.chain!r}, 'clientKeyData': {issued.key!r}}}"
    assert "somebody" == rig.own.wait(rig.client(server, user=programs.user(body)).get(PODS))["certificate"]


def test_a_refused_token_is_asked_for_anew(rig, programs):
    """Once for each request."""
    def answer(stream, request):
        if request.headers["authorization"].endswith("-2"):
            reply(stream, {})
        else:
            say_no(stream, "401 Unauthorized")

    runs = programs.folder / "runs"
    body = f"open({str(runs)!r}, 'a').write('x')\n" + GIVE % f"{{'token': 'run-%d' % os.path.getsize({str(runs)!r})}}"
    client = rig.client(rig.serve(answer), user=programs.user(body))
    assert {} == rig.own.wait(client.get(PODS))
    assert "xx" == runs.read_text()


def test_programs_that_fail(programs):
    """What they say last is told, except for words that could be secret."""
    body = f"print('first', file=sys.stderr)\nprint('log in with: x login', {'s' * 41!r}, file=sys.stderr)\nsys.exit(3)"
    assert "ended with exit status 3, saying: log in with: x login ...; get it" == programs.fails(body, hint="get it")
    assert "ended with signal 15" == programs.fails("os.kill(os.getpid(), 15)")
    assert "ended with exit status 1" == programs.fails("sys.exit(1)")


def test_programs_that_print_garbage(programs):
    """It is not quoted."""
    no_json = "expected an ExecCredential as JSON on its standard output, got something else"
    assert no_json == programs.fails(f"print({TOKEN!r})")
    assert no_json == programs.fails("")
    assert no_json == programs.fails("sys.stdout.buffer.write(bytes(range(256)))")
    assert "expected status.token to be text, got something else" == programs.fails(GIVE % "{'token': 5}")


def test_a_program_that_floods_its_output(programs):
    """It is ended; what it says on the other one does not count."""
    body = "while True: os.write(1, b'x' * 65536)"
    assert f"expected at most {MOST_OUTPUT} bytes on its standard output, got more" == programs.fails(body)
    assert "ended with exit status 1, saying: last" == programs.fails("os.write(2, b'x' * 5_000_000)\nprint('\\nlast', file=sys.stderr)\nsys.exit(1)")


def test_a_program_that_hangs(programs, monkeypatch):
    """It is killed in the end."""
    monkeypatch.setattr("meshd.kubernetes.exec_plugin.LONGEST_RUN", 0.5)
    body = f"open({str(programs.folder / 'pid')!r}, 'w').write(str(os.getpid()))\ntime.sleep(1000)"
    assert "expected an answer within 0.5 s, got none" == programs.fails(body)
    programs.rig.own.run_for(0.3)
    with pytest.raises(ProcessLookupError):
        os.kill(int((programs.folder / "pid").read_text()), 0)


def test_a_program_whose_child_stays(rig, programs):
    """What it has given counts, however long another process holds its output open."""
    body = GIVE % "{'token': 't'}" + "\nsys.stdout.flush()\nif os.fork() == 0:\n    time.sleep(5)\n    os._exit(0)"
    assert "Bearer t" == rig.own.wait(rig.client(rig.serve(well), user=programs.user(body)).get(PODS))["token"]


def test_no_program(rig):
    """One that is not there, or cannot be run."""
    server = rig.serve(well)
    for command in ("/nowhere/get", "no-such-program-anywhere", "/etc/passwd"):
        said = rig.failing(rig.client(server, user=User(plugin=ExecPlugin(command, hint="get it"))).get(PODS), CredentialsError)
        assert f"the credential program {command}: cannot be run: expected a program that can be executed, found none; get it" == said

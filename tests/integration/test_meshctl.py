"""meshctl as a process: quick, quiet into pipes, and harmless when its reader leaves."""

import subprocess
import sys
from pathlib import Path
from time import monotonic

from tests.helpers.command_line import write_mesh
from tests.helpers.source_tree import ROOT

HELP_SECONDS = 0.25
TRIES = 5  # the best of them counts: the machine may be busy

PROGRAM = "from meshd.cli.main import main; main(prog_name='meshctl')"


def meshctl(*arguments: str) -> list[str]:
    """Give the command line of meshctl."""
    return [sys.executable, "-c", PROGRAM, *arguments]


def test_help_is_quick() -> None:
    """From the shell's prompt and back."""
    times = []
    for _ in range(TRIES):
        start = monotonic()
        subprocess.run(meshctl("--help"), cwd=ROOT, check=True, capture_output=True)
        times.append(monotonic() - start)
    assert HELP_SECONDS > min(times)


def test_help_imports_no_command() -> None:
    """Nothing of the compiler, of YAML or of Twisted is loaded for it."""
    program = (
        "import sys; from click.testing import CliRunner; from meshd.cli.main import main; CliRunner().invoke(main, ['--help'])\n"
        "heavy = ('yaml', 'twisted', 'rich', 'meshd.model', 'meshd.compile')\n"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert "[]\n" == done.stdout


def test_no_colours_and_no_wrapping_into_a_pipe(tmp_path: Path) -> None:
    """Whatever the environment says about the terminal."""
    command = meshctl("proxy-config", "all", "--config-dir", write_mesh(tmp_path), "--node", "server")
    environment = {"PATH": "/usr/bin:/bin", "COLUMNS": "20", "TERM": "xterm-256color"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout
    assert any(line.startswith("0.0.0.0") and line.endswith("Cluster: inbound|80||") for line in done.stdout.splitlines())


def test_a_reader_that_leaves(tmp_path: Path) -> None:
    """As `head` does: no stack trace."""
    command = meshctl("compile", "--config-dir", write_mesh(tmp_path), "--node", "client")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()

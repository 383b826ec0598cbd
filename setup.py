"""
Build meshd: setup.cfg says everything but one thing, the compiled hot path.

mypyc makes C of the modules below, which is worth more than half of a worker's CPU time a request (docs/decisions/0006-compiled-hot-path.md). The
Python files are their source and stay in use where nothing can be compiled: no C compiler, no Python headers, no mypy.
MESHD_COMPILE=no leaves it out on purpose, MESHD_COMPILE=yes fails rather than leave it out.
"""

import contextlib
import os
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

COMPILED = (
    "meshd/base/byte_sets.py",
    "meshd/base/xxhash64.py",
    "meshd/codec/header_names.py",
    "meshd/codec/headers.py",
    "meshd/codec/http1.py",
    "meshd/codec/http1_chunks.py",
    "meshd/codec/http1_encode.py",
    "meshd/codec/http1_framing.py",
    "meshd/codec/http1_lines.py",
    "meshd/codec/http1_request.py",
    "meshd/codec/http1_request_head.py",
    "meshd/codec/http1_response.py",
    "meshd/codec/http1_target.py",
    "meshd/codec/http_date.py",
    "meshd/codec/http_events.py",
    "meshd/codec/reason_phrases.py",
    "meshd/tables/balancers/draw.py",
    "meshd/tables/balancers/maglev.py",
    "meshd/tables/balancers/ring_hash.py",
    "meshd/tables/chain.py",
    "meshd/tables/headers/authority.py",
    "meshd/tables/headers/client_address.py",
    "meshd/tables/headers/header_text.py",
    "meshd/tables/headers/request_ids.py",
    "meshd/tables/headers/requests.py",
    "meshd/tables/headers/responses.py",
    "meshd/tables/headers/trust.py",
    "meshd/tables/hosts.py",
    "meshd/tables/interfaces.py",
    "meshd/tables/match/header.py",
    "meshd/tables/match/path.py",
    "meshd/tables/match/query.py",
    "meshd/tables/match/regex.py",
    "meshd/tables/match/registry.py",
    "meshd/tables/match/runs.py",
    "meshd/tables/match/string.py",
    "meshd/tables/retry_rules.py",
    "meshd/tables/rules.py",
    "meshd/telemetry/access_log.py",
    "meshd/telemetry/escaping.py",
    "meshd/telemetry/instruments.py",
    "meshd/telemetry/log_times.py",
    "meshd/worker/accept.py",
    "meshd/worker/answer_writer.py",
    "meshd/worker/closing.py",
    "meshd/worker/deadlines.py",
    "meshd/worker/direction.py",
    "meshd/worker/downstream.py",
    "meshd/worker/ending.py",
    "meshd/worker/exchange.py",
    "meshd/worker/forwarding.py",
    "meshd/worker/handshake.py",
    "meshd/worker/http_server.py",
    "meshd/worker/listeners.py",
    "meshd/worker/log_files.py",
    "meshd/worker/metrics.py",
    "meshd/worker/resources.py",
    "meshd/worker/router.py",
    "meshd/worker/shadow.py",
    "meshd/worker/tcp_proxy.py",
    "meshd/worker/tries.py",
    "meshd/worker/tunnel.py",
    "meshd/worker/upstream/cluster.py",
    "meshd/worker/upstream/host.py",
    "meshd/worker/upstream/http1.py",
    "meshd/worker/upstream/lifetime.py",
    "meshd/worker/upstream/outlier.py",
    "meshd/worker/upstream/pool.py",
    "meshd/worker/upstream/tunnelling.py",
    "meshd/worker/upstream/waiting.py",
    "meshd/worker/wire/owner.py",
    "meshd/worker/wire/poller.py",
    "meshd/worker/wire/stream.py",
    "meshd/worker/wire/tls_stream.py",
    "meshd/worker/wire/wheel.py",
)
"""Modules that a request passes through. A module is added when the bench gains by it, not because it could be."""

WANTED = os.environ.get("MESHD_COMPILE", "")


def extensions() -> list[Extension]:
    """Return what to compile; nothing where that was asked for or mypy is missing."""
    if WANTED == "no":
        return []
    try:
        from mypyc.build import mypycify
    except ImportError:
        if WANTED == "yes":
            raise
        print("meshd: mypy is not there, the hot path stays interpreted", file=sys.stderr)
        return []
    return mypycify(["--config-file", "setup.cfg", *COMPILED], opt_level="2", debug_level="0")


class BuildCompiled(build_ext):
    """Compile all or nothing: half of a group of modules that call each other natively would not even be imported."""

    def run(self) -> None:
        """Compile; where that fails, leave the Python files to be used."""
        try:
            super().run()
        except Exception as error:  # reason: whatever stops a compiler, the Python files work
            if WANTED == "yes":
                raise
            print(f"meshd: the hot path stays interpreted: {error}", file=sys.stderr)
            for extension in self.extensions:
                with contextlib.suppress(FileNotFoundError):
                    Path(self.get_ext_fullpath(extension.name)).unlink()
            self.extensions = []


setup(ext_modules=extensions(), cmdclass={"build_ext": BuildCompiled})

"""Every kind of probe."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from meshd.model.workload_group import Probe
from meshd.registry.probes.exec import probe_exec
from meshd.registry.probes.grpc import probe_grpc
from meshd.registry.probes.http import probe_http
from meshd.registry.probes.target import Target
from meshd.registry.probes.tcp import probe_tcp

Ask = Callable[[Probe, Target], Coroutine[Any, Any, str]]
"""Asks once; gives "" where the workload is well, else what is not; raises what connections raise. Cancelling ends it at once."""

PROBES: Mapping[str, Ask] = {"http": probe_http, "tcp": probe_tcp, "exec": probe_exec, "grpc": probe_grpc}

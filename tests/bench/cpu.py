"""CPU time of processes and of the whole machine, from /proc."""

import os
from pathlib import Path

import attrs

TICK = 1.0 / os.sysconf("SC_CLK_TCK")


@attrs.frozen
class CpuTime:
    """User and system time, seconds."""

    user: float
    system: float

    @property
    def total(self) -> float:
        """Both together."""
        return self.user + self.system

    def since(self, earlier: "CpuTime") -> "CpuTime":
        """Return what has passed since an earlier reading."""
        return CpuTime(self.user - earlier.user, self.system - earlier.system)


def process_cpu(pids: list[int]) -> CpuTime:
    """Return the CPU time that processes have used so far, all their threads together."""
    user = system = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        user += int(fields[11])
        system += int(fields[12])
    return CpuTime(user * TICK, system * TICK)


def machine_cpu() -> CpuTime:
    """Return the CPU time that the machine has spent so far; interrupts count as system."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8])
    return CpuTime((user + nice) * TICK, (system + irq + softirq) * TICK)


def peak_rss(pid: int) -> int:
    """Return a process's peak resident memory, bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0

"""CPU time of processes and of the whole machine, and memory of processes, from /proc."""

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


def resident(pids: list[int], peak: bool = False) -> int:
    """Return the resident memory of processes together, bytes: what they have now, or the most that each ever had."""
    field = "VmHWM:" if peak else "VmRSS:"
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def forget_peaks(pids: list[int]) -> None:
    """Have the most resident memory that processes ever had begin anew with what they have now."""
    for pid in pids:
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and not lost."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

"""Workloads that register themselves: health probes, the machine that joins, and the machine of the fleet that takes them in."""

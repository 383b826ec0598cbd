"""Probes of a workload's health, one file a kind; each gives "" where it is well, else what is not."""

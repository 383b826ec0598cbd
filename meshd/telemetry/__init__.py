"""Instruments, exposition formats and access log lines. Pure."""

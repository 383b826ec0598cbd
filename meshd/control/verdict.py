"""The BPF program that forwards bytes from socket to socket without a worker; its maps are those of `meshd.ipc.forwarding`."""

import struct

from meshd.ipc.forwarding import SEGMENT

_LOOKUP, _COOKIE, _REDIRECT, _RING = 1, 46, 72, 130
"""Helpers: bpf_map_lookup_elem, bpf_get_socket_cookie, bpf_sk_redirect_hash, bpf_ringbuf_output."""

_R0, _R1, _R2, _R3, _R4, _R6, _R7, _R8, _FRAME = 0, 1, 2, 3, 4, 6, 7, 8, 10
_PEER, _LEFT, _FORWARDED, _SEGMENTS = 0, 8, 16, 24  # offsets in a way
_LEFT_BEFORE, _LIMIT = 0, 8  # offsets in a grant
_DROP, _PASS = 0, 1  # verdicts; what passes goes to the socket that was set by the redirect, to the worker where none was


def verdict_program(sockets: int, ways: int, grants: int, bell: int) -> bytes:
    """
    Give the program's instructions.

    A segment is forwarded when its way has a grant for just the bytes that were left to the worker so far, since these are before it, and
    for what was forwarded so far; otherwise it is left to the worker as well, and counted, and the bell tells when a grant is used up. An
    empty one, which is a FIN, is dropped once the socket knows of it: Linux takes an empty write for a failed one, and gives up what waits
    to be written.

    Args:
        sockets: Descriptor of the map of that name, as the others.
        ways: See `ForwardingMaps`.
        grants: See `ForwardingMaps`.
        bell: See `ForwardingMaps`.
    """
    leave = _add_length(_LEFT) + _return(_PASS)
    ring = _map(_R1, bell) + _copy(_R2, _FRAME) + _add(_R2, -8) + _set(_R3, 8) + _set(_R4, 0) + _call(_RING)
    forward = _add_length(_FORWARDED) + _load(_R1, _R7, _SEGMENTS) + _add(_R1, 1) + _store(_R7, _SEGMENTS, _R1) + _return(_PASS)
    redirect = (
        _load(_R1, _R7, _PEER) + _store(_FRAME, -16, _R1)
        + _copy(_R1, _R6) + _map(_R2, sockets) + _copy(_R3, _FRAME) + _add(_R3, -16) + _set(_R4, 0) + _call(_REDIRECT)
        + _skip_if(_R0, 0, len(forward)) + forward
    )
    within = (
        _load(_R8, _R0, _LIMIT) + _load(_R1, _R7, _SEGMENTS) + _multiply(_R1, SEGMENT) + _load(_R2, _R7, _FORWARDED) + _add_register(_R1, _R2)
        + _skip_unless_below(_R1, _R8, len(redirect)) + redirect
    )
    granted = _load(_R1, _R0, _LEFT_BEFORE) + _load(_R2, _R7, _LEFT) + _skip_unless_equal(_R1, _R2, len(within) + len(ring)) + within + ring
    return (
        _copy(_R6, _R1) + _length() + _skip_unless(_R1, 0, 2 * _SIZE) + _return(_DROP)
        + _copy(_R1, _R6) + _call(_COOKIE) + _store(_FRAME, -8, _R0)
        + _find(ways) + _skip_unless(_R0, 0, 2 * _SIZE) + _return(_PASS) + _copy(_R7, _R0)
        + _find(grants) + _skip_if(_R0, 0, len(granted)) + granted
        + leave
    )


_SIZE = 8  # bytes of an instruction; a map's descriptor takes two


def _instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, value: int = 0) -> bytes:
    return struct.pack("=BBhi", code, source << 4 | target, offset, value)


def _copy(target: int, source: int) -> bytes:
    return _instruction(0xBF, target, source)


def _set(target: int, value: int) -> bytes:
    return _instruction(0xB7, target, value=value)


def _add(target: int, value: int) -> bytes:
    return _instruction(0x07, target, value=value)


def _add_register(target: int, source: int) -> bytes:
    return _instruction(0x0F, target, source)


def _multiply(target: int, value: int) -> bytes:
    return _instruction(0x27, target, value=value)


def _load(target: int, source: int, offset: int) -> bytes:
    return _instruction(0x79, target, source, offset)


def _store(target: int, offset: int, source: int) -> bytes:
    return _instruction(0x7B, target, source, offset)


def _map(target: int, descriptor: int) -> bytes:
    return _instruction(0x18, target, 1, 0, descriptor) + _instruction(0)


def _call(helper: int) -> bytes:
    return _instruction(0x85, value=helper)


def _skip_if(register: int, value: int, size: int) -> bytes:
    return _instruction(0x15, register, 0, size // _SIZE, value)


def _skip_unless(register: int, value: int, size: int) -> bytes:
    return _instruction(0x55, register, 0, size // _SIZE, value)


def _skip_unless_equal(register: int, other: int, size: int) -> bytes:
    return _instruction(0x5D, register, other, size // _SIZE)


def _skip_unless_below(register: int, other: int, size: int) -> bytes:
    return _instruction(0x3D, register, other, size // _SIZE)


def _return(verdict: int) -> bytes:
    return _set(_R0, verdict) + _instruction(0x95)


def _find(descriptor: int) -> bytes:
    """Look the cookie on the frame up in a map; its value's address, or nothing, comes into r0."""
    return _map(_R1, descriptor) + _copy(_R2, _FRAME) + _add(_R2, -8) + _call(_LOOKUP)


def _length() -> bytes:
    """Load the segment's length into r1."""
    return _instruction(0x61, _R1, _R6, 0)


def _add_length(offset: int) -> bytes:
    """Add the segment's length to one of the way's counts."""
    return _length() + _load(_R2, _R7, offset) + _add_register(_R2, _R1) + _store(_R7, offset, _R2)

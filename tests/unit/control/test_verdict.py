"""Tests of the verdict program, run by a small machine of our own."""

import struct

import pytest

from meshd.control.verdict import verdict_program
from meshd.ipc.forwarding import GRANT, SEGMENT, WAY

SOCKETS, WAYS, GRANTS, BELL = 3, 4, 5, 6
COOKIE, PEER = 77, 88
DROP, PASS = 0, 1
BELOW = 1 << 20


class Machine:
    """
    Runs the instructions that the program has.

    Attributes:
        way / grant: Values of the maps; None for no element.
        reachable: The peer is in the map of sockets.
        rung: Words written into the ring.
        redirected: The socket that was set.
    """

    def __init__(self, way, grant, length, *, reachable=True):
        self.way = way and bytearray(WAY.pack(*way))
        self.grant = grant and bytearray(GRANT.pack(*grant))
        self.length = length
        self.reachable = reachable
        self.frame = bytearray(512)
        self.rung, self.redirected = [], None
        self.registers = {1: "segment", 10: ("frame", 512)}

    def run(self, program):
        """Give the verdict."""
        code = [struct.unpack_from("=BBhi", program, at) for at in range(0, len(program), 8)]
        at = 0
        while code[at][0] != 0x95:
            at = self.step(code, at)
        return self.registers[0]

    def step(self, code, at):
        """Run one instruction; gives the place of the next."""
        operation, both, offset, value = code[at]
        target, source, registers = both & 15, both >> 4, self.registers
        if operation == 0x18:
            registers[target] = ("map", value)
            return at + 2
        if operation in (0x15, 0x55, 0x5D, 0x3D):
            left, right = registers[target], value if operation in (0x15, 0x55) else registers[source]
            jumps = {0x15: lambda: left == right, 0x55: lambda: left != right, 0x5D: lambda: left != right, 0x3D: lambda: left >= right}
            return at + 1 + (offset if jumps[operation]() else 0)
        if operation == 0x85:
            registers[0] = self.call(value)
        elif operation == 0x61:
            registers[target] = self.length
        elif operation == 0x79:
            memory, start = registers[source]
            registers[target] = struct.unpack_from("=Q", getattr(self, memory), start + offset)[0]
        elif operation == 0x7B:
            memory, start = registers[target]
            struct.pack_into("=Q", getattr(self, memory), start + offset, registers[source])
        else:
            self.compute(operation, target, registers[source] if operation in (0xBF, 0x0F) else value)
        return at + 1

    def compute(self, operation, target, operand):
        """Copy, set, multiply or add."""
        now = self.registers.get(target)
        if operation in (0xBF, 0xB7):
            self.registers[target] = operand
        elif operation == 0x27:
            self.registers[target] = now * operand
        else:
            assert operation in (0x07, 0x0F)
            self.registers[target] = (now[0], now[1] + operand) if isinstance(now, tuple) else now + operand

    def word(self, register):
        """Give what a register's address holds."""
        memory, start = self.registers[register]
        return struct.unpack_from("=Q", getattr(self, memory), start)[0]

    def call(self, helper):
        """Do what a helper does; registers of arguments hold nothing afterwards."""
        result = 0
        if helper == 46:
            result = COOKIE
        elif helper == 1:
            assert self.word(2) == COOKIE
            name = {WAYS: "way", GRANTS: "grant"}[self.registers[1][1]]
            result = (name, 0) if getattr(self, name) is not None else 0
        elif helper == 130:
            assert (("map", BELL), 8, 0) == (self.registers[1], self.registers[3], self.registers[4])
            self.rung.append(self.word(2))
        else:
            assert (72, "segment", ("map", SOCKETS), 0) == (helper, self.registers[1], self.registers[2], self.registers[4])
            if self.reachable:
                self.redirected, result = self.word(3), PASS
        for register in range(1, 6):
            self.registers.pop(register, None)
        return result


@pytest.mark.parametrize(
    ("way", "grant", "length", "expected"),
    [
        # an empty segment is a FIN
        ((PEER, 5, 0, 0), (5, BELOW), 0, (DROP, None, [], (5, 0, 0))),
        # not a way of ours
        (None, None, 9, (PASS, None, [], None)),
        # the worker reads
        ((PEER, 5, 7, 1), None, 9, (PASS, None, [], (14, 7, 1))),
        # the kernel forwards
        ((PEER, 5, 7, 1), (5, BELOW), 9, (PASS, PEER, [], (5, 16, 2))),
        # bytes were left to the worker after what the grant was for
        ((PEER, 6, 7, 1), (5, BELOW), 9, (PASS, None, [], (15, 7, 1))),
        # the grant is used up
        ((PEER, 5, 7, 1), (5, 7 + SEGMENT), 9, (PASS, None, [COOKIE], (14, 7, 1))),
        ((PEER, 5, 7, 1), (5, 8 + SEGMENT), 9, (PASS, PEER, [], (5, 16, 2))),
    ],
)
def test_verdicts(way, grant, length, expected):
    """What is forwarded, what is left to the worker, what is counted and told."""
    machine = Machine(way, grant, length)
    verdict = machine.run(verdict_program(SOCKETS, WAYS, GRANTS, BELL))
    counted = WAY.unpack(machine.way)[1:] if way else None
    assert expected == (verdict, machine.redirected, machine.rung, counted)


def test_a_peer_that_is_gone():
    """What cannot be forwarded is left to the worker, which is told."""
    machine = Machine((PEER, 5, 7, 1), (5, BELOW), 9, reachable=False)
    verdict = machine.run(verdict_program(SOCKETS, WAYS, GRANTS, BELL))
    assert (PASS, None, [COOKIE], (14, 7, 1)) == (verdict, machine.redirected, machine.rung, WAY.unpack(machine.way)[1:])

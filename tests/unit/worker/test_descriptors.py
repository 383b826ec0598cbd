"""Tests of pausing while descriptors are scarce."""

import os

from twisted.internet.task import Clock

from meshd.worker.descriptors import RECHECK, DescriptorBudget, descriptor_limit, next_descriptor
from meshd.worker.wire.wheel import Wheel


def make(numbers):
    """Give a budget of 100 descriptors with 32 to spare, whose probe gives these numbers."""
    clock, changes = Clock(), []
    budget = DescriptorBudget(Wheel(clock), 32, 100, lambda: numbers.pop(0))
    budget.on_change = changes.append
    return budget, clock, changes


def test_pauses_until_enough_are_free():
    """Accepting is paused once, and goes on at the first look that finds a low number."""
    budget, clock, changes = make([90, 68, 67])
    budget.run_out()
    budget.run_out()
    states = []
    for _ in range(4):
        clock.advance(RECHECK * 1.2)
        states.append(budget.paused)
    assert ([True, True, False, False], [True, False], 68) == (states, changes, budget.ceiling)


def test_what_can_be_spared_is_given_up_at_every_look():
    """Connections that become idle during a pause would otherwise prolong it for as long as they are kept."""
    budget, clock, _ = make([90, 68, 67])
    spared = []
    budget.on_scarce = lambda: spared.append(budget.paused)
    budget.run_out()
    for _ in range(4):
        clock.advance(RECHECK * 1.2)
    assert [True, True, True] == spared


def test_stop_looks_no_more():
    """A stopped budget asks nothing."""
    budget, clock, changes = make([])
    budget.run_out()
    budget.stop()
    budget.stop()
    clock.advance(1.0)
    assert [True] == changes


def test_the_kernel_gives_the_lowest_number():
    """The next descriptor is at least the number of standard ones, and below the limit."""
    number = next_descriptor()
    assert 2 < number < descriptor_limit()


def test_no_descriptor_is_a_huge_number(monkeypatch):
    """When none can be had, the number is above every limit."""
    def fail(*args):
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "open", fail)
    assert next_descriptor() > 1 << 20

"""The abstract ruleset: which chains and hooks it needs."""

from meshd.capture.ruleset import Jump, Return, Rule, Ruleset

RULE = Rule(Return())


def test_chains_that_are_jumped_to_come_first() -> None:
    """A backend that defines chains in this order never jumps to one that is not there yet."""
    ruleset = Ruleset(inbound=(RULE,), outbound=(Rule(Jump("destinations")),), destinations=(RULE,))
    assert ["destinations", "inbound", "outbound"] == list(ruleset.chains())


def test_only_hooks_with_rules_are_taken() -> None:
    """A direction that is not captured costs its connections nothing."""
    assert [("prerouting", "tcp", "inbound")] == Ruleset(inbound=(RULE,)).hooks()
    assert [("output", "tcp", "outbound")] == Ruleset(outbound=(RULE,), destinations=(RULE,)).hooks()
    assert [("output", "tcp", "outbound"), ("output", "udp", "dns")] == Ruleset(outbound=(RULE,), dns=(RULE,)).hooks()
    assert [] == Ruleset().hooks()

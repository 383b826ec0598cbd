"""The ruleset in nft's words, and nft's listing read back."""

import pytest

from meshd.base.origins import Origin
from meshd.capture.nftables import chain_lines, definition, read_listing, removal_text, rule_text, table_text
from meshd.capture.reading import read_settings
from meshd.capture.rules import Identity, build_ruleset
from meshd.capture.ruleset import Jump, Redirect, Return, Rule, Ruleset
from meshd.model.node import CaptureSettings, Ports

DEFAULT = """\
table inet meshd {
	chain destinations {
		ip daddr 127.0.0.1 counter return
		ip6 daddr ::1 counter return
		ip daddr 169.254.169.254 counter return
		meta l4proto tcp counter redirect to :15001
	}
	chain inbound {
		fib daddr type != local counter return
		tcp dport 15000 counter return
		tcp dport 15001 counter return
		tcp dport 15020 counter return
		tcp dport 15021 counter return
		tcp dport 15090 counter return
		tcp dport 22 counter return
		meta l4proto tcp counter redirect to :15006
	}
	chain outbound {
		oifname "lo" ip saddr 127.0.0.6 counter return
		oifname "lo" ip6 saddr ::6 counter return
		oifname "lo" ip daddr 127.0.0.0/8 tcp dport 53 meta skuid 1337 counter return
		oifname "lo" ip daddr != 127.0.0.1 meta l4proto tcp meta skuid 1337 counter redirect to :15006
		oifname "lo" ip6 daddr != ::1 meta l4proto tcp meta skuid 1337 counter redirect to :15006
		meta skuid 1337 counter return
		meta skgid 1337 counter return
		oifname "lo" counter return
		counter jump destinations
	}
	chain prerouting {
		type nat hook prerouting priority -95; policy accept;
		meta l4proto tcp counter jump inbound
	}
	chain output {
		type nat hook output priority -105; policy accept;
		meta l4proto tcp counter jump outbound
	}
}
"""


def ruleset(settings: CaptureSettings) -> Ruleset:
    """Give the rules for settings."""
    return build_ruleset(read_settings(settings, Origin("test"), int, int)[0], Identity(1337, 1337), Ports())


def test_default_settings() -> None:
    """What a machine without a word about capture gets."""
    assert DEFAULT == definition(ruleset(CaptureSettings()))


def test_one_transaction_replaces_the_table() -> None:
    """Adding makes deleting safe; nothing but our own table is named."""
    assert "add table inet meshd\ndelete table inet meshd\n" + DEFAULT == table_text(ruleset(CaptureSettings()))
    assert "delete table inet meshd\n" == removal_text()


@pytest.mark.parametrize(("rule", "expected"), [
    (Rule(Return(), in_interface="docker*"), 'iifname "docker*" counter return'),
    (Rule(Return(), out_interface="eth1"), 'oifname "eth1" counter return'),
    (Rule(Return(), ports=(80, 90)), "tcp dport 80-90 counter return"),
    (Rule(Redirect(15001), ports=(80, 80)), "tcp dport 80 counter redirect to :15001"),
    (Rule(Redirect(15001), "ip"), "meta nfproto ipv4 meta l4proto tcp counter redirect to :15001"),
    (Rule(Redirect(15001), "ip6"), "meta nfproto ipv6 meta l4proto tcp counter redirect to :15001"),
    (Rule(Redirect(15001), "ip6", destination="2001:db8::/32"), "ip6 daddr 2001:db8::/32 meta l4proto tcp counter redirect to :15001"),
    (Rule(Jump("destinations"), uid=0), "meta skuid 0 counter jump destinations"),
    (Rule(Jump("destinations"), gid=5), "meta skgid 5 counter jump destinations"),
    (Rule(Redirect(15053), "ip", destination="10.0.0.2", ports=(53, 53), protocol="udp"),
     "ip daddr 10.0.0.2 udp dport 53 counter redirect to :15053"),
    (Rule(Return(), foreign=True), "fib daddr type != local counter return"),
])
def test_rules(rule: Rule, expected: str) -> None:
    """Each condition in nft's words."""
    assert expected == rule_text(rule)


@pytest.mark.parametrize("settings", [
    CaptureSettings(), CaptureSettings(inbound=False), CaptureSettings(outbound=False), CaptureSettings(inbound=False, outbound=False),
    CaptureSettings(include_uids=("1", "2"), exclude_interfaces=("br*",), include_outbound_cidrs=("0.0.0.0/0", "::/0")),
    CaptureSettings(include_outbound_ports=("1-9",), exclude_outbound_ports=("5",), exclude_gids=("7",)),
])
def test_a_listing_reads_back_as_it_was_written(settings: CaptureSettings) -> None:
    """Comparing texts sees no drift where there is none."""
    assert chain_lines(ruleset(settings)) == read_listing(definition(ruleset(settings)))


def test_questions_over_udp_have_a_jump_of_their_own() -> None:
    """Other datagrams are looked at no further."""
    lines = chain_lines(Ruleset(outbound=(Rule(Return()),), dns=(Rule(Return()),)))
    assert ["meta l4proto tcp counter jump outbound", "udp dport 53 counter jump dns"] == lines["output"][1:]
    assert ["dns", "outbound", "output"] == list(lines)


def test_a_listing_as_other_versions_print_it() -> None:
    """Counts are left out, owners may come without `meta`, and TCP as a number where /etc/protocols is missing."""
    listing = """\
table inet meshd { # handle 3
	chain outbound { # nothing
	}

	chain a {
		type nat hook output priority -105; policy accept;
		oifname "lo" skuid 1337 counter packets 12 bytes 720 return
		meta skgid 1337 counter packets 0 bytes 0 return
		meta l4proto 6 counter redirect to :15001
		oifname "lo" meta l4proto 6 meta skuid 1337 counter redirect to :15006
		meta l4proto 17 counter return
	}

	set extra {
		type ipv4_addr
	}
}
"""
    expected = {
        "a": [
            "type nat hook output priority -105; policy accept;",
            'oifname "lo" meta skuid 1337 counter return',
            "meta skgid 1337 counter return",
            "meta l4proto tcp counter redirect to :15001",
            'oifname "lo" meta l4proto tcp meta skuid 1337 counter redirect to :15006',
            "meta l4proto 17 counter return",
        ],
        "set extra": ["type ipv4_addr"],
    }
    assert expected == {name: lines for name, lines in read_listing(listing).items() if name != "outbound"}


@pytest.mark.parametrize("listing", ["", "\n", "table inet meshd {\n}\n", "garbage\n}\n}"])
def test_reads_no_chains_out_of_nothing(listing: str) -> None:
    """An empty table, or an answer that is none, has no chains."""
    assert {} == read_listing(listing)

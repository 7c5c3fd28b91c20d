"""nft's listings become nouns and print back as they were."""

# ruff: noqa: E101 - nft indents wrapped elements with tabs and blanks

import pytest

from netlab.kernel.installed import parse_version
from netlab.kernel.nft_listing import parse_elements, parse_table
from netlab.netstate.nft import Element

LISTING = """table inet netlab { # handle 1
	map service-ips {
		type ipv4_addr . inet_proto . inet_service : verdict
		elements = { 10.96.0.10 . tcp . 53 comment "kube-system/kube-dns:dns-tcp" : goto pick-1,
			     10.96.0.10 . udp . 53 : goto pick-1 }
	}

	chain nat-prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr . meta l4proto . th dport vmap @service-ips
	}

	chain pick-1 {
	}
}
"""


def test_a_listing_prints_back_as_it_was():
    assert str(parse_table(LISTING.replace(" # handle 1", ""))) == LISTING.replace(" # handle 1", "")


@pytest.mark.parametrize("text", ["", "Error: no", "chain x {\n}"])
def test_what_is_no_table_is_refused(text):
    with pytest.raises(ValueError, match="not a listing"):
        parse_table(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(" ", set(), id="none"),
        pytest.param(" 10.0.0.1 ", {Element(key="10.0.0.1")}, id="a key"),
        pytest.param("1 . 2, 3 . 4", {Element(key="1 . 2"), Element(key="3 . 4")}, id="keys of several parts"),
        pytest.param("1 : goto x,\n2 : drop", {Element(key="1", value="goto x"), Element(key="2", value="drop")}, id="a map, wrapped"),
        pytest.param('1 comment "a, b : c" : 2', {Element(key="1", value="2", comment="a, b : c")}, id="separators in a comment"),
        pytest.param("fd00::1 : fd00::2", {Element(key="fd00::1", value="fd00::2")}, id="IPv6 addresses have colons too"),
    ],
)  # fmt: skip
def test_elements(text, expected):
    assert parse_elements(text) == frozenset(expected)


@pytest.mark.parametrize(
    ("answer", "version"), [("nftables v1.0.6 (Lester Gooch #5)", (1, 0, 6)), ("nftables v1.1.3 (x)", (1, 1, 3)), ("", ())]
)
def test_the_version_of_nft(answer, version):
    assert parse_version(answer) == version


def test_priority_of_the_output_hook_is_one_number_in_every_version_of_nft():
    named = "table inet netlab {\n\tchain c {\n\t\ttype nat hook output priority dstnat; policy accept;\n\t}\n}\n"
    assert parse_table(named) == parse_table(named.replace("dstnat", "-100"))
    assert "priority -100;" in str(parse_table(named))

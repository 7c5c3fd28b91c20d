"""Tables as Linux keeps them: what str(NftTable) writes is read back equal; nft's complaints come through."""

import os

import pytest

from netlab.kernel import netns, nft
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from tests.descriptors import open_files

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

PICK = "dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints-2"
SERVICES = frozenset(
    Element(key=f"10.96.{n // 200}.{n % 200 + 1} . {'tcp' if n % 2 else 'udp'} . {n + 1}", value="goto pick-2", comment=f"default/s{n}:http")
    for n in range(300)
)  # fmt: skip
TABLE = NftTable(
    sets=frozenset({
        ElementSet(name="service-ips", key_type="type ipv4_addr . inet_proto . inet_service : verdict", is_map=True, elements=SERVICES),
        ElementSet(
            name="endpoints-2",
            key_type="typeof ip daddr . meta l4proto . th dport . numgen random mod 2 : ip daddr . th dport",
            is_map=True,
            elements=frozenset({
                Element(key="10.96.0.1 . tcp . 80 . 0", value="10.244.1.2 . 8080", comment="default/web-0, {odd} : text"),
                Element(key="10.96.0.1 . tcp . 80 . 1", value="10.244.2.2 . 8080"),
            }),
        ),
        ElementSet(name="hairpins", key_type="typeof ip saddr . ip daddr", elements=frozenset({Element(key="10.244.1.2 . 10.244.1.2")})),
        ElementSet(name="empty", key_type="type ipv4_addr"),
        ElementSet(name="ranges", key_type="type ipv4_addr\n\t\tflags interval", elements=frozenset({Element(key="10.0.0.0/8")})),
    }),
    chains=frozenset({
        Chain(name="pick-2", rules=(PICK,)),
        Chain(name="empty"),
        Chain(
            name="nat-prerouting",
            hook="type nat hook prerouting priority dstnat; policy accept;",
            rules=("ip daddr . meta l4proto . th dport vmap @service-ips",),
        ),
        Chain(
            name="nat-postrouting",
            hook="type nat hook postrouting priority srcnat; policy accept;",
            rules=("ct status dnat ip saddr . ip daddr @hairpins masquerade", "meta mark & 0x00004000 == 0x00004000 masquerade"),
        ),
        Chain(
            name="filter-forward",
            hook="type filter hook forward priority filter; policy accept;",
            rules=("ct state established,related accept", 'tcp dport { 80, 443 } accept comment "a, b"', "reject"),
        ),
    }),
)  # fmt: skip


TRAFFIC = """table inet netlab {
	set s {
		type ipv4_addr
		flags dynamic
		elements = { 10.0.0.1 }
	}
	chain c {
		counter packets 5 bytes 9 accept
	}
}
"""


def in_fresh_namespace(function):
    netns.prepare_directory()
    netns.run_in_thread(lambda: netns.create("t3.nft", lambda: None))
    try:
        return netns.in_namespace("t3.nft", function)
    finally:
        netns.delete("t3.nft")


def test_a_table_is_read_back_as_it_was_written():
    def work():
        nft.run(str(TABLE))
        return nft.observe()

    found = in_fresh_namespace(work)
    assert found == TABLE
    assert str(found) == str(TABLE)


def test_a_listing_can_be_loaded_and_is_listed_again():
    def work():
        nft.run(str(TABLE))
        first = nft.observe()
        nft.run(f"delete table inet netlab\n{first}")
        return first == nft.observe()

    assert in_fresh_namespace(work)


def test_counters_and_dynamic_elements_are_traffic():
    def work():
        nft.run(TRAFFIC)
        return nft.observe()

    table = in_fresh_namespace(work)
    assert {chain.rules for chain in table.chains} == {("counter accept",)}
    assert {found.elements for found in table.sets} == {frozenset()}


def test_only_our_own_table_is_read():
    def work():
        nft.run("table ip netlab { }\ntable inet other { }")
        return nft.observe()

    assert in_fresh_namespace(work) is None


@pytest.mark.parametrize("run", [nft.run, nft.run_aside])
def test_a_script_is_all_or_nothing_and_nft_says_why(run):
    def work():
        with pytest.raises(nft.NftError, match="No such file or directory") as caught:
            run("add table inet netlab\nadd rule inet netlab nope accept")
        assert "line:2:" in str(caught.value)
        assert "add rule inet netlab nope accept" in str(caught.value)
        return nft.observe()

    assert in_fresh_namespace(work) is None


def test_the_program_answers_as_the_library_does():
    def work():
        nft.run_aside("table inet netlab {\n set s {\n type ipv4_addr\n elements = { 10.0.0.1 }\n }\n}\n")
        return [run("list table inet netlab") for run in (nft.run, nft.run_aside)]

    one, other = in_fresh_namespace(work)
    assert one == other
    assert "10.0.0.1" in one


def test_contexts_leave_no_file_open():
    def work():
        before = open_files()
        for _ in range(20):
            nft.run("table inet netlab")
            nft.observe()
        return before, open_files()

    before, after = in_fresh_namespace(work)
    assert after <= before

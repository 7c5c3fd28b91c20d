"""Elements written without nft: nft lists them as if it had written them itself; what only it can read is left to it."""

import errno
import os
from dataclasses import replace

import pytest

from netlab.kernel import nft, nft_elements, table_changes
from netlab.kernel.trial import service_table
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.plan.nft import table_change
from netlab.plan.table_change import ElementChange, TableChange
from tests.service_cases import CASES, table

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

X = Chain(name="x", rules=("accept",))
FRONTEND = "ipv4_addr . inet_proto . inet_service"
DRAWN = "typeof ip daddr . meta l4proto . th dport . numgen random mod 300"
LONG = "x" * 128


def a_table(kind, *elements):
    """A table with one set of this type, and a chain to go to."""
    one = ElementSet(name="s", key_type=kind, is_map=" : " in kind, elements=frozenset(elements))
    return NftTable(sets=frozenset({one}), chains=frozenset({X}))


def written(change):
    """Do a change without nft's help for its elements."""
    nft.run(change.first)
    nft_elements.send(nft_elements.encoded(change))


def come_and_go(wanted):
    """Write the elements, take one of them away, and take away the others; nft reads what is left each time."""
    written(table_change(wanted, None))
    assert nft.observe() == wanted
    text = nft.run("list table inet netlab")
    [one] = wanted.sets
    for left in (one.elements - {min(one.elements)}, frozenset()):
        now, before = replace(wanted, sets=frozenset({replace(one, elements=left)})), nft.observe()
        nft_elements.send(nft_elements.encoded(table_change(now, before)))
        assert nft.observe() == now
    return text


def by_nft(wanted):
    nft.run(str(table_change(wanted, None)))
    return nft.run("list table inet netlab")


@pytest.mark.parametrize(
    ("kind", "elements"),
    [
        pytest.param("type ipv4_addr", [("10.96.0.1", "", "default/web"), ("10.96.0.2",), ("255.255.255.255",)], id="IPv4"),
        pytest.param("type ipv6_addr", [("fd00:10:96::1", "", LONG), ("::",), ("2001:db8::ffff",)], id="IPv6, a long comment"),
        pytest.param("type inet_service", [("80",), ("65535",)], id="ports alone"),
        pytest.param("type inet_proto : inet_service", [("tcp", "1"), ("udp", "258")], id="a protocol alone"),
        pytest.param("type ipv4_addr . ipv4_addr", [("10.0.0.1 . 10.0.0.2", "", "a, b : c")], id="pairs"),
        pytest.param(
            f"type {FRONTEND} : verdict",
            [("10.0.0.1 . tcp . 80", "goto x", "é, {"), ("10.0.0.1 . udp . 53", "drop"), ("10.0.0.1 . sctp . 65535", "jump x")],
            id="verdicts",
        ),
        pytest.param(f"type {FRONTEND} : ipv4_addr . inet_service", [("10.0.0.1 . tcp . 1", "10.244.0.1 . 8080")], id="targets"),
        pytest.param(
            f"{DRAWN} : ip daddr . th dport",
            [("10.0.0.1 . tcp . 1 . 0", "10.244.0.1 . 1"), ("10.0.0.1 . tcp . 1 . 299", "10.244.0.2 . 2", "b")],
            id="numbers that are drawn",
        ),
        pytest.param(f"{DRAWN} : ct mark", [("10.0.0.1 . udp . 9 . 258", "0x00000102")], id="marks of connections"),
        pytest.param(f"type {FRONTEND} . mark : mark", [("10.0.0.1 . tcp . 9 . 0x0a0b0c0d", "0x00000001")], id="marks"),
        pytest.param(
            "type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
            [("fd00::1 . tcp . 80", "fd00::2 . 8080"), ("fd00::1 . udp . 80", "fd00::3 . 8080")],
            id="IPv6 targets",
        ),
        pytest.param(
            f"type {FRONTEND} . ipv4_addr\n\t\tflags interval",
            [("10.0.0.1 . tcp . 80 . 198.51.100.0/24", "", "a"), ("10.0.0.1 . tcp . 81 . 0.0.0.0/0",), ("10.0.0.2 . tcp . 80 . 192.0.2.7",)],
            id="ranges",
        ),
        pytest.param(
            "type ipv6_addr . inet_proto . inet_service . ipv6_addr\n\t\tflags interval",
            [("fd00::1 . tcp . 80 . 2001:db8::/32",), ("fd00::1 . tcp . 80 . fe80::1",)],
            id="IPv6 ranges",
        ),
        pytest.param("type ipv4_addr", [(f"10.{a}.{b}.1", "", LONG) for a in range(20) for b in range(100)], id="many messages"),
    ],
)  # fmt: skip
def test_elements_are_as_if_nft_had_written_them(inside, kind, elements):
    wanted = a_table(kind, *(Element(*one) for one in elements))
    ours, theirs = inside(lambda: come_and_go(wanted)), inside(lambda: by_nft(wanted))
    assert sorted(ours.replace(",", " ").split()) == sorted(theirs.replace(",", " ").split())


def test_nothing_that_netlab_writes_is_left_to_nft():
    assert nft_elements.encoded(table_change(service_table(), None)).messages


UNKNOWN = [
    pytest.param("type inet_service", Element("http"), id="the name of a port"),
    pytest.param("type inet_service", Element("65536"), id="no port"),
    pytest.param("type inet_proto", Element("gre"), id="another protocol"),
    pytest.param("type ipv4_addr", Element("10.0.0.1 . 80"), id="too many parts"),
    pytest.param("type ipv4_addr", Element("10.0.0.1-10.0.0.9"), id="a range in words"),
    pytest.param("type ipv4_addr\n\t\tflags interval", Element("10.0.0.0/24"), id="plain intervals"),
    pytest.param("type ether_addr", Element("02:00:00:00:00:01"), id="another type"),
    pytest.param("type mark", Element("0x100000000"), id="no mark"),
    pytest.param("type ipv4_addr : verdict", Element("10.0.0.1", "queue"), id="another verdict"),
    pytest.param("type ipv4_addr", Element("10.0.0.1", "", "é" * 128), id="a comment of too many bytes"),
]


@pytest.mark.parametrize(("kind", "element"), UNKNOWN)
def test_what_only_nft_can_read_is_left_to_it(kind, element):
    with pytest.raises(nft_elements.UnknownElement):
        nft_elements.encoded(table_change(a_table(kind, element), None))


def test_then_the_whole_change_is_one_script(inside):
    wanted = a_table("type ipv4_addr\n\t\tflags interval", Element("10.0.0.0/24"))
    assert inside(lambda: table_changes.apply(table_change(wanted, None))) == 1
    assert inside(nft.observe) == wanted


def test_all_or_nothing(inside):
    wanted = a_table("type ipv4_addr", Element("10.0.0.1"))
    inside(lambda: nft.run(str(table_change(wanted, None))))
    change = TableChange(
        elements=(
            ElementChange("add", "s", "type ipv4_addr", frozenset({Element("10.0.0.2")})),
            ElementChange("delete", "s", "type ipv4_addr", frozenset({Element("10.0.0.3")})),
        )
    )
    with pytest.raises(nft.NftError, match="delete element inet netlab s: No such file"):
        inside(lambda: table_changes.apply(change))
    assert inside(nft.observe) == wanted


def test_an_answer_that_is_too_long_is_a_refusal(inside):
    inside(lambda: nft.run("add table inet netlab\ndelete table inet netlab"))
    elements = frozenset(Element(f"10.{a}.{b}.1", "", LONG) for a in range(50) for b in range(200))
    change = TableChange(elements=(ElementChange("add", "s", "type ipv4_addr", elements),))
    with pytest.raises(nft.NftError, match=os.strerror(errno.ENOENT)):
        inside(lambda: table_changes.apply(change))


@pytest.mark.parametrize("name", sorted(CASES))
def test_the_table_of_a_lab_is_read_as_it_was_made(inside, build, name):
    """Law 1: whatever a Node wants, nft prints so that nothing is left to be done."""
    wanted = table(build, *CASES[name](build))

    def work():
        for write in (written, lambda change: nft.run(str(change))):
            nft.run("add table inet netlab\ndelete table inet netlab")
            write(table_change(wanted, None))
            assert nft.observe() == wanted

    inside(work)

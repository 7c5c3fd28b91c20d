"""The scripts of plan/nft.py, run by nft itself: after them the kernel lists what it lists for the new table loaded afresh.

The Fake's interpreter is held against nft too: what one refuses, the other refuses.
"""

import os

import pytest
from hypothesis import given, settings

from netlab.kernel import nft, table_changes
from netlab.kernel.fake_nft import FakeNftError, run_script
from netlab.netstate.nft import Chain, Element, ElementSet
from netlab.plan.nft import table_change
from tests.states import EXTRA_SETS, HOOKS, entry, node_port, table, tables, with_chain, with_set

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

NOTHING = table()
ONE = table(entry(1, ["10.244.1.2"]))
TWO = table(entry(1, ["10.244.1.2", "10.244.1.3"]), node_port(1, 30001, ["10.244.1.2", "10.244.1.3"]))
MANY = table(*(entry(number, ["10.244.1.2", "10.244.1.3"]) for number in range(1, 251)))
MORE = table(*(entry(number, ["10.244.1.2", "10.244.1.3"]) for number in range(1, 255)))
HOOKED = [with_chain(ONE, Chain(name="extra", hook=hook, rules=("accept",))) for hook in ("", *HOOKS)]


def listing():
    """What nft lists, whatever the order: nft lists sets, chains and ranges in the order in which they came."""
    lines = nft.run("list table inet netlab").split("\n") if nft.observe() else []
    return sorted(line.strip().removeprefix("elements = { ").removesuffix(" }").removesuffix(",") for line in lines)


def load(wanted):
    nft.run("add table inet netlab\ndelete table inet netlab\n" + (str(wanted) if wanted else ""))


def assert_leads(before, after):
    """Assert that the script leads from one to the other, and that what is loaded is what is read."""
    load(after)
    expected = listing()
    assert nft.observe() == after
    change = table_change(after, before)
    for do in (table_changes.apply, lambda change: nft.run(str(change))):
        load(before)
        assert nft.observe() == before
        do(change)
        assert listing() == expected
        assert nft.observe() == after
    assert run_script(str(change), before) == after


POSTROUTING = "type nat hook postrouting priority srcnat; policy accept;"
PAIRS = [
    pytest.param(None, ONE, id="the table comes"),
    pytest.param(ONE, None, id="the table goes"),
    pytest.param(ONE, ONE, id="no change"),
    pytest.param(NOTHING, ONE, id="a first service"),
    pytest.param(ONE, NOTHING, id="the last service goes"),
    pytest.param(ONE, TWO, id="another number of endpoints, and a NodePort"),
    pytest.param(TWO, ONE, id="fewer"),
    pytest.param(ONE, table(entry(1, ["10.244.1.9"])), id="another endpoint"),
    pytest.param(ONE, table(entry(1, ["10.244.1.2"], owner="default/renamed:http")), id="another comment"),
    pytest.param(with_chain(ONE, Chain(name="pick-1")), ONE, id="rules of a typeof map were flushed"),
    pytest.param(with_chain(ONE, Chain(name="nat-postrouting", hook=POSTROUTING)), ONE, id="rules of hairpins were flushed"),
    pytest.param(with_chain(ONE, Chain(name="leftovers", rules=("accept",))), ONE, id="a rule was changed by hand"),
    pytest.param(MANY, MORE, id="many elements at once"),
    pytest.param(MORE, NOTHING, id="all elements at once"),
    *(
        pytest.param(with_set(ONE, before), with_set(ONE, after), id=f"set {a} to {b}")
        for a, before in enumerate(EXTRA_SETS)
        for b, after in enumerate(EXTRA_SETS)
    ),
    *(
        pytest.param(before, after, id=f"hook {a} to {b}")
        for a, before in enumerate(HOOKED)
        for b, after in enumerate(HOOKED)
        if a != b
    ),
]


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_a_script_leads_from_one_table_to_the_other(inside, before, after):
    inside(lambda: assert_leads(before, after))


@settings(max_examples=100)
@given(before=tables(), after=tables())
def test_a_script_leads_from_any_table_to_any_other(inside, before, after):
    inside(lambda: assert_leads(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(ONE, None, id="deletion of the table"),
        pytest.param(None, ONE, id="the whole table"),
        pytest.param(HOOKED[1], HOOKED[2], id="replacement"),
        pytest.param(ONE, with_set(ONE, EXTRA_SETS[1]), id="addition of a set"),
        pytest.param(ONE, HOOKED[1], id="addition of a chain"),
        pytest.param(HOOKED[1], ONE, id="deletion of a chain"),
        pytest.param(with_set(ONE, EXTRA_SETS[1]), ONE, id="deletion of a set"),
    ],
)
def test_a_script_can_be_repeated(inside, before, after):
    def work():
        load(before)
        script = str(table_change(after, before))
        nft.run(script)
        once = listing()
        nft.run(script)
        return once, listing()

    once, twice = inside(work)
    assert once == twice


HELD = with_set(
    with_chain(with_chain(ONE, Chain(name="x", rules=("accept",))), Chain(name="user", rules=("ip daddr @extra jump x",))),
    ElementSet(name="extra", key_type="type ipv4_addr", elements=frozenset({Element(key="10.0.0.1", comment="a")})),
)
LINES = [
    "add rule inet netlab pick-1 dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 1 map @endpoints-1",
    "add rule inet netlab x ip saddr . ip daddr @hairpins accept",
    "delete chain inet netlab x",
    "flush chain inet netlab x\ndelete chain inet netlab x",
    "flush chain inet netlab user\nflush chain inet netlab x\ndelete chain inet netlab x",
    "delete set inet netlab extra",
    "delete element inet netlab extra { 10.0.0.9 }",
    "delete element inet netlab extra { 10.0.0.1 }",
    'add element inet netlab extra { 10.0.0.1 comment "b" }',
    "add element inet netlab extra { 10.0.0.1 . 80 }",
    "add element inet netlab extra { 10.0.0.2 : drop }",
    "add element inet netlab service-ips { 10.96.0.9 . tcp . 1 : goto nope }",
    "add element inet netlab service-ips { 10.96.0.9 . tcp . 1 : goto nat-prerouting }",
    "add element inet netlab service-ips { 10.96.0.9 . tcp . 1 : goto pick-1 }",
    "add element inet netlab service-ips { 10.96.0.1 . tcp . 80 : drop }",
    "add element inet netlab service-ips { 10.96.0.9 . tcp . 1 }",
    "add element inet netlab nope { 1 }",
    "add rule inet netlab nope accept",
    "add rule inet netlab x ip daddr @nope accept",
    "add rule inet netlab x jump nope",
    "add rule inet netlab x goto nat-prerouting",
    "add set inet netlab extra { type inet_service; }",
    "add set inet netlab extra { type ipv4_addr; }",
    "add chain inet netlab x",
    "add chain inet netlab x { type filter hook input priority 5; policy accept; }",
    "add chain inet netlab nat-prerouting",
    "flush chain inet netlab nope",
    "delete chain inet netlab nope",
    "delete table inet nope",
    f'add element inet netlab extra {{ 10.0.0.5 comment "{"x" * 129}" }}',
]


@pytest.mark.parametrize("line", LINES)
def test_the_fake_and_nft_agree(inside, line):
    def work():
        load(HELD)
        try:
            nft.run(line)
        except nft.NftError:
            return "refused"
        return nft.observe()

    try:
        expected = run_script(line, HELD)
    except FakeNftError:
        expected = "refused"
    assert inside(work) == expected


def test_ten_thousand_elements_come_and_one_of_them_changes(inside):
    def endpoints(odd=""):
        elements = frozenset(
            Element(key=f"10.{n // 62500}.{n // 250 % 250}.{n % 250}", comment=f"s{n}{odd if n == 77 else ''}")
            for n in range(10_000)
        )
        return with_set(ONE, ElementSet(name="extra", key_type="type ipv4_addr", elements=elements))

    empty = with_set(ONE, ElementSet(name="extra", key_type="type ipv4_addr"))
    inside(lambda: assert_leads(empty, endpoints()))
    inside(lambda: assert_leads(endpoints(), endpoints("x")))

"""Tables compared: rows of what differs and the transaction for it, in the order nft demands; the law on random tables."""

from dataclasses import replace

import pytest
from hypothesis import given, settings

from netlab.kernel.fake_nft import FakeNftError, run_script
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.plan.nft import table_change
from netlab.plan.table_change import ElementChange, TableChange
from tests.states import entry, table, tables, with_chain, with_set

T = "inet netlab"
VERDICTS = "type ipv4_addr : verdict"


def a_table(*parts):
    """A table of these sets and chains."""
    return NftTable(
        sets=frozenset(part for part in parts if isinstance(part, ElementSet)),
        chains=frozenset(part for part in parts if isinstance(part, Chain)),
    )


def addresses(*elements, name="s"):
    return ElementSet(name=name, key_type="type ipv4_addr", elements=frozenset(elements))


def verdicts(*elements):
    return ElementSet(name="m", key_type=VERDICTS, is_map=True, elements=frozenset(elements))


ONE, TWO = Element(key="10.0.0.1"), Element(key="10.0.0.2", comment="b")
TO_X, TO_Y = Element(key="10.0.0.1", value="goto x"), Element(key="10.0.0.1", value="goto y")
X, Y = Chain(name="x", rules=("accept",)), Chain(name="y", rules=("drop",))
BASE = Chain(name="f", hook="type filter hook forward priority filter; policy accept;", rules=("ip daddr vmap @m",))
FRESH = [f"add table {T}", f"delete table {T}"]


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        pytest.param(None, None, [], id="nothing"),
        pytest.param(a_table(X), a_table(X), [], id="no change"),
        pytest.param(a_table(X), None, FRESH, id="the table goes"),
        pytest.param(None, a_table(X), [*FRESH, *str(a_table(X)).splitlines()], id="the table comes, whatever is there"),
        pytest.param(
            None, a_table(verdicts(TO_X), X, BASE),
            [*FRESH, *str(a_table(verdicts(), X, BASE)).splitlines(), f"add element {T} m {{ 10.0.0.1 : goto x }}"],
            id="elements come after what they lead to",
        ),
        pytest.param(
            a_table(addresses(ONE)), a_table(addresses(TWO)),
            [f"delete element {T} s {{ 10.0.0.1 }}", f'add element {T} s {{ 10.0.0.2 comment "b" }}'], id="elements",
        ),
        pytest.param(
            a_table(addresses()), a_table(addresses(ONE, TWO)),
            [f'add element {T} s {{ 10.0.0.1, 10.0.0.2 comment "b" }}'], id="elements of a set in one line",
        ),
        pytest.param(
            a_table(addresses(TWO)), a_table(addresses(TWO._replace(comment="c"))),
            [f"delete element {T} s {{ 10.0.0.2 }}", f'add element {T} s {{ 10.0.0.2 comment "c" }}'], id="a comment",
        ),
        pytest.param(
            a_table(verdicts(TO_X), X, Y), a_table(verdicts(TO_Y), X, Y),
            [f"delete element {T} m {{ 10.0.0.1 }}", f"add element {T} m {{ 10.0.0.1 : goto y }}"], id="a value",
        ),
        pytest.param(
            a_table(verdicts(TO_X), X), a_table(verdicts(TO_Y), Y),
            [
                f"add chain {T} y", f"flush chain {T} y", f"add rule {T} y drop",
                f"delete element {T} m {{ 10.0.0.1 }}", f"add element {T} m {{ 10.0.0.1 : goto y }}",
                f"add chain {T} x", f"flush chain {T} x", f"delete chain {T} x",
            ],
            id="an element leads to a new chain, the old one goes",
        ),
        pytest.param(
            a_table(X), a_table(replace(X, rules=("drop", "accept"))),
            [f"flush chain {T} x", f"add rule {T} x drop", f"add rule {T} x accept"], id="rules",
        ),
        pytest.param(
            a_table(), a_table(verdicts(TO_X), X, BASE),
            [
                f"add chain {T} f {{ type filter hook forward priority filter; policy accept; }}", f"flush chain {T} f", f"add chain {T} x", f"flush chain {T} x",
                f"add map {T} m {{ {VERDICTS}; }}", f"add rule {T} f ip daddr vmap @m", f"add rule {T} x accept",
                f"add element {T} m {{ 10.0.0.1 : goto x }}",
            ],
            id="chains before elements, sets before rules",
        ),
        pytest.param(
            a_table(verdicts(TO_X), X, BASE), a_table(),
            [
                f"add chain {T} f", f"flush chain {T} f", f"add chain {T} x", f"flush chain {T} x",
                f"add map {T} m {{ {VERDICTS}; }}", f"delete map {T} m", f"delete chain {T} f", f"delete chain {T} x",
            ],
            id="rules go before sets, sets before chains",
        ),
        pytest.param(
            a_table(), a_table(replace(addresses(ONE), key_type="type ipv4_addr\n\t\tflags interval")),
            [f"add set {T} s {{ type ipv4_addr; flags interval; }}", f"add element {T} s {{ 10.0.0.1 }}"], id="flags",
        ),
        *(
            pytest.param(a_table(before), a_table(after), [*FRESH, *str(a_table(after)).splitlines()], id=name)
            for before, after, name in (
                (addresses(ONE), replace(addresses(), key_type="type inet_service"), "a set of another type"),
                (addresses(ONE, name="m"), verdicts(), "a map in place of a set"),
                (BASE, replace(BASE, hook=BASE.hook.replace("filter;", "filter + 1;")), "another priority"),
                (BASE, replace(BASE, hook=""), "no hook any more"),
            )
            if before.name != "f"
        ),
        pytest.param(
            a_table(verdicts(), BASE), a_table(verdicts(), replace(BASE, hook="type filter hook input priority filter; policy accept;")),
            [*FRESH, *str(a_table(verdicts(), replace(BASE, hook="type filter hook input priority filter; policy accept;"))).splitlines()],
            id="another hook",
        ),
    ],
)  # fmt: skip
def test_the_transaction_for_a_change(before, after, lines):
    script = str(table_change(after, before))
    assert script.splitlines() == lines
    assert run_script(script, before) == after


def test_a_table_of_another_name_takes_the_place_of_the_old_one():
    script = str(table_change(a_table(X), replace(a_table(X), family="ip")))
    assert script.startswith("add table ip netlab\ndelete table ip netlab\nadd table inet netlab\n")


def test_rules_on_a_typeof_map_that_is_there_replace_the_table():
    wanted = table(entry(1, ["10.244.1.2"]))
    flushed = with_chain(wanted, Chain(name="pick-1"))
    script = str(table_change(wanted, flushed))
    assert script.splitlines()[:2] == FRESH
    assert run_script(script, flushed) == wanted


BIG = table(*(entry(number, ["10.244.1.2", "10.244.1.3"]) for number in range(1, 255)))


def test_one_changed_endpoint_of_many_is_a_short_script():
    changed = table(*(entry(number, ["10.244.1.2", "10.244.1.4" if number == 7 else "10.244.1.3"]) for number in range(1, 255)))
    assert str(table_change(changed, BIG)).splitlines() == [
        f"delete element {T} endpoints-2 {{ 10.96.0.7 . tcp . 80 . 1 }}",
        f'add element {T} endpoints-2 {{ 10.96.0.7 . tcp . 80 . 1 comment "default/s7:http" : 10.244.1.4 . 8080 }}',
        f"add element {T} hairpins {{ 10.244.1.4 . 10.244.1.4 }}",
    ]


def ten_thousand(odd=""):
    elements = frozenset(
        Element(key=f"10.{n // 62500}.{n // 250 % 250}.{n % 250} . tcp . 80", value=f"10.244.1.{n % 250} . 8080", comment=f"s{n}{odd if n == 77 else ''}")
        for n in range(10_000)
    )  # fmt: skip
    return a_table(ElementSet(name="endpoints", key_type="type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service", is_map=True, elements=elements))  # fmt: skip


def test_to_compare_ten_thousand_endpoints_nothing_is_done_for_each(instructions):
    before, after = ten_thousand(), ten_thousand("x")
    scripts = []
    assert instructions(lambda: scripts.append(str(table_change(after, before)))) < 3_000, "some 1,600 are usual"
    assert len(scripts[0].splitlines()) == 2


@settings(max_examples=200)
@given(tables(), tables())
def test_a_script_makes_the_second_table_of_the_first(before, after):
    assert run_script(str(table_change(after, before)), before) == after
    assert run_script(str(table_change(after, None)), before) == after
    assert run_script(str(table_change(None, before)), before) is None
    assert not table_change(after, run_script(str(table_change(after, before)), before))


TYPEOF = ElementSet(name="e", key_type="typeof ip daddr . th dport : ip daddr . th dport", is_map=True)
HELD = a_table(TYPEOF, addresses(ONE), verdicts(TO_X), X, BASE, Chain(name="r", rules=("ip saddr @s jump x",)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param(f"delete chain {T} x", "busy", id="a chain that has rules"),
        pytest.param(f"flush chain {T} x\ndelete chain {T} x", "line:2: .*busy", id="a chain that is referred to"),
        pytest.param(f"delete set {T} s", "busy", id="a set that a rule uses"),
        pytest.param(f"delete map {T} s", "No such file", id="a set is no map"),
        pytest.param(f"delete element {T} s {{ 10.0.0.9 }}", "No such file", id="an element that is not there"),
        pytest.param(f"add element {T} m {{ 10.0.0.1 : drop }}", "File exists", id="an element with another value"),
        pytest.param(f"add element {T} m {{ 10.0.0.2 : goto nowhere }}", "No such file", id="a chain that is not there"),
        pytest.param(f"add element {T} m {{ 10.0.0.2 : goto f }}", "not supported", id="a jump to a base chain"),
        pytest.param(f"add element {T} m {{ 10.0.0.2 }}", "Invalid", id="a map's element without a value"),
        pytest.param(f"add element {T} s {{ 10.0.0.2 : drop }}", "not a map", id="a set's element with a value"),
        pytest.param(f"add element {T} s {{ 10.0.0.2 . 80 }}", "number of parts", id="a key of another type"),
        pytest.param(f'add element {T} s {{ 10.0.0.2 comment "{"x" * 129}" }}', "too long", id="a long comment"),
        pytest.param(f"add element {T} nope {{ 10.0.0.2 }}", "No such file", id="no such set"),
        pytest.param(f"add rule {T} x ip daddr @nope accept", "No such file", id="a rule with an unknown set"),
        pytest.param(f"add rule {T} x dnat ip to ip daddr . th dport map @e", "conflicting", id="a rule with a typeof map that is there"),
        pytest.param(f"add rule {T} x jump nope", "No such file", id="a rule with an unknown chain"),
        pytest.param(f"add rule {T} nope accept", "No such file", id="a rule in an unknown chain"),
        pytest.param(f"add set {T} s {{ type inet_service; }}", "File exists", id="a set of another type"),
        pytest.param(f"add chain {T} x {{ type filter hook input priority 5; policy accept; }}", "not supported", id="a hook for a chain"),
        pytest.param(f"flush chain {T} nope", "No such file", id="flush an unknown chain"),
        pytest.param("add chain inet other x", "No such file", id="an unknown table"),
        pytest.param("delete table inet other", "No such file", id="delete an unknown table"),
        pytest.param("flush ruleset", "unknown command", id="outside the dialect"),
        pytest.param(f"flush set {T} s", "unknown command", id="a verb that does not go with the noun"),
        pytest.param(f"table {T} {{\n\tchain z {{\n", "end of file", id="an open block"),
    ],
)  # fmt: skip
def test_the_fake_refuses_what_nft_refuses(line, message):
    with pytest.raises(FakeNftError, match=message):
        run_script(line, HELD)


def test_a_block_adds_to_what_is_there():
    more = with_set(with_chain(a_table(), Chain(name="z", rules=("accept",))), addresses(TWO))
    found = run_script(str(more), HELD)
    assert {item.name: len(item.elements) for item in found.sets} == {"e": 0, "m": 1, "s": 2}
    assert {chain.name for chain in found.chains} == {"f", "r", "x", "z"}


def elements_of(key):
    return (ElementChange("delete", "m", VERDICTS, frozenset({Element(key, comment="a/udp")})),)


@pytest.mark.parametrize(
    ("change", "is_about_udp"),
    [
        pytest.param(TableChange(elements=elements_of("10.96.0.10 . udp . 53")), True, id="an element"),
        pytest.param(
            TableChange(elements=elements_of("10.96.0.10 . tcp . 53")), False, id="an element of TCP, whatever it is called"
        ),
        pytest.param(TableChange(first=f"add rule {T} x meta l4proto udp drop\n"), True, id="a rule"),
        pytest.param(TableChange(last=f"delete chain {T} x\n"), False, id="a chain"),
        pytest.param(TableChange(), False, id="nothing"),
    ],
)
def test_what_a_change_is_about(change, is_about_udp):
    assert change.mentions("udp") == is_about_udp


def test_parts_are_done_in_the_order_of_the_script():
    change = table_change(a_table(verdicts(TO_Y), Y), a_table(verdicts(TO_X), X))
    assert f"{change.first}{''.join(part.line(T) for part in change.elements)}{change.last}" == str(change)
    assert "chain inet netlab y" in change.first
    assert "chain inet netlab x" in change.last

"""Rules that are known are not listed; whatever anybody else does to them, they are seen as they are."""

import itertools
import os
import shutil
import subprocess
from dataclasses import replace

import pytest

from netlab.kernel import generation, known_rules, netns, nft, table_changes
from netlab.kernel.known_rules import KnownRules
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.netstate.names import NetnsName
from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.netstate.state import Namespace, NetState
from netlab.plan.diff import diff
from netlab.plan.nft import table_change

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

MARK = "netlab 0000-known"
NODE, OTHER = NetnsName("t6.node-1"), NetnsName("t6.node-2")
SCOPE = Scope(mark=MARK, names=frozenset({NODE, OTHER}))


def table(*addresses):
    elements = frozenset(Element(key=address, comment=f'of "{address}'.replace('"', "'")) for address in addresses)
    return NftTable(
        sets=frozenset({ElementSet(name="s", key_type="type ipv4_addr", elements=elements)}),
        chains=frozenset({Chain(name="c", hook="type filter hook input priority filter; policy accept;", rules=("ip saddr @s drop",))}),
    )  # fmt: skip


FEW = table("10.0.0.1", "10.0.0.2")
MANY = table(*(f"10.0.{number}.1" for number in range(1, 200)))
MORE = table(*(f"10.0.{number}.1" for number in range(2, 201)))


@pytest.fixture
def listings(monkeypatch):
    """Every listing of a table that is made."""
    made = []
    observe = nft.observe
    monkeypatch.setattr(nft, "observe", lambda there=None: (made.append(1), observe(there))[1])
    return made


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "rules"
    for name in (NODE, OTHER):
        netns.delete(name)


def wished(rules, *names):
    return NetState(namespaces=frozenset(Namespace(name=name, table=rules) for name in names or (NODE,)))


def network(folder):
    """That of a process of its own."""
    return LinuxNetwork(rules=KnownRules(folder))


def bring(linux, state):
    """Look, compare, act; return the number of steps."""
    plan = diff(state, linux.observe(SCOPE), MARK)
    linux.apply(SCOPE, plan.steps)
    linux.close()
    return len(plan.steps)


def by_hand(script, name=NODE):
    subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=script, check=True, text=True)


def listed(name=NODE):
    return netns.in_namespace(name, nft.observe)


@pytest.mark.parametrize("rules", [FEW, MANY], ids=["few elements", "many elements"])
def test_what_was_written_is_known_to_this_process_and_the_next(folder, listings, rules):
    linux = network(folder)
    assert bring(linux, wished(rules))
    assert bring(linux, wished(rules)) == bring(network(folder), wished(rules)) == 0
    assert linux.observe(SCOPE).by_name[NODE].table is rules
    assert not listings
    assert listed() == rules == network(folder).observe(SCOPE).by_name[NODE].table


def test_a_change_is_known_too(folder, listings):
    linux = network(folder)
    for rules in (FEW, MANY, MORE, FEW, MANY):
        assert bring(linux, wished(rules, NODE, OTHER))
        assert listed(NODE) == listed(OTHER) == network(folder).observe(SCOPE).by_name[OTHER].table == rules
    assert len(listings) == 10, "those of the test"


def test_what_another_process_wrote_is_held_as_the_object_that_is_wished(folder, listings):
    bring(network(folder), wished(MANY, NODE, OTHER))
    linux, same = network(folder), wished(table(*(f"10.0.{number}.1" for number in range(1, 200))), NODE, OTHER)
    written = {path: path.stat().st_ino for path in (folder / known_rules.ELEMENTS).iterdir()}
    assert linux.observe(SCOPE).by_name[NODE].table is not same.by_name[NODE].table
    linux.recognize(same)
    assert linux.observe(SCOPE).by_name[NODE].table is same.by_name[NODE].table
    other = replace(same.by_name[NODE].table, chains=frozenset())
    assert bring(linux, wished(other, NODE, OTHER))
    assert {path: path.stat().st_ino for path in (folder / known_rules.ELEMENTS).iterdir()} == written, "not written again"
    assert not listings


def test_of_what_others_write_only_the_last_is_held(folder):
    """An agent looks for days at what commands write."""
    rules = KnownRules(folder)
    linux = LinuxNetwork(rules=rules)
    for number in range(5):
        bring(network(folder), wished(table(*(f"10.{number}.{other}.1" for other in range(1, 200))), NODE, OTHER))
        linux.observe(SCOPE)
        linux.close()
    assert len(rules._files) <= 2, "the newest, and those before"


def test_what_could_not_be_noted_is_not_recognized(folder, monkeypatch):
    """Somebody else changes rules while they are listed: what is known of them is of another time."""
    linux = network(folder)
    bring(linux, wished(MANY))
    by_hand("delete table inet netlab")
    by_hand(str(table_change(FEW, None)))
    numbers = itertools.count(1_000_000)
    monkeypatch.setattr(known_rules, "generation", lambda: generation.generation()._replace(number=next(numbers)))
    assert linux.observe(SCOPE).by_name[NODE].table == FEW
    linux.recognize(wished(FEW))
    monkeypatch.undo()
    seen = linux.observe(SCOPE).by_name[NODE]
    assert (seen.table, seen.noted) == (FEW, MANY)


def test_files_of_elements_that_nobody_has_are_removed(folder):
    linux = network(folder)
    counts = []
    for rules in (MANY, MORE, FEW):
        bring(linux, wished(rules, NODE, OTHER))
        counts.append(len(list((folder / known_rules.ELEMENTS).iterdir())))
    assert counts == [1, 1, 0]


CHANGES_BY_HAND = {
    "an element added": "add element inet netlab s { 9.9.9.9 }",
    "an element deleted": "delete element inet netlab s { 10.0.9.1 }",
    "a chain flushed": "flush chain inet netlab c",
    "the table deleted": "delete table inet netlab",
    "all rules flushed": "flush ruleset",
    "the table of another": "add table inet firewall",
}


@pytest.mark.parametrize("script", CHANGES_BY_HAND.values(), ids=CHANGES_BY_HAND)
@pytest.mark.parametrize("is_new", [False, True], ids=["this process", "another one"])
def test_what_is_changed_by_hand_is_seen_and_repaired(folder, script, is_new):
    linux = network(folder)
    bring(linux, wished(MANY))
    by_hand(script)
    linux = network(folder) if is_new else linux
    assert linux.observe(SCOPE).by_name[NODE].table == listed()
    bring(linux, wished(MANY))
    assert listed() == MANY == linux.observe(SCOPE).by_name[NODE].table


@pytest.mark.parametrize("script", CHANGES_BY_HAND.values(), ids=CHANGES_BY_HAND)
@pytest.mark.parametrize("is_new", [False, True], ids=["this process", "another one"])
def test_what_they_were_before_is_known(folder, script, is_new):
    """Also to a process that knows an older table: the newest note counts."""
    linux = network(folder)
    bring(linux, wished(FEW))
    bring(network(folder), wished(MANY))
    by_hand(script)
    linux = network(folder) if is_new else linux
    assert linux.observe(SCOPE).by_name[NODE].noted == (None if "firewall" in script else MANY)
    bring(linux, wished(MANY))
    assert linux.observe(SCOPE).by_name[NODE].noted is None


def test_what_netlab_changes_was_never_something_else_before(folder):
    linux = network(folder)
    for rules in (FEW, MANY, None, MORE, FEW):
        for one in (linux, network(folder)):
            bring(one, wished(rules))
            assert one.observe(SCOPE).by_name[NODE].noted is None
    netns.delete(NODE)
    bring(linux, wished(None))
    assert linux.observe(SCOPE).by_name[NODE].noted is None


@pytest.mark.parametrize("script", CHANGES_BY_HAND.values(), ids=CHANGES_BY_HAND)
def test_a_change_between_the_look_and_the_act_is_not_taken_for_ours(folder, script):
    linux = network(folder)
    bring(linux, wished(FEW))
    plan = diff(wished(MANY), linux.observe(SCOPE), MARK)
    if "delete" not in script and "flush ruleset" not in script:
        by_hand(script)
        linux.apply(SCOPE, plan.steps)
    assert linux.observe(SCOPE).by_name[NODE].table == listed()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_change_around_the_act_is_not_taken_for_ours(folder, monkeypatch, moment):
    linux = network(folder)
    bring(linux, wished(FEW))
    apply = table_changes.apply

    def disturbed(change):
        """Somebody else is as quick as can be."""
        if moment == "before":
            nft.run("add element inet netlab s { 9.9.9.9 }")
        done = apply(change)
        if moment == "after":
            nft.run("add element inet netlab s { 9.9.9.9 }")
        return done

    monkeypatch.setattr(table_changes, "apply", disturbed)
    bring(linux, wished(MANY))
    monkeypatch.undo()
    assert linux.observe(SCOPE).by_name[NODE].table == listed() != MANY


def test_a_namespace_of_the_same_name_is_another_one(folder):
    bring(network(folder), wished(MANY))
    number = netns.in_namespace(NODE, generation.generation).number
    netns.delete(NODE)
    bring(network(folder), wished(None))
    while (found := netns.in_namespace(NODE, generation.generation)).number < number:
        by_hand("add table inet netlab\ndelete table inet netlab\nadd table inet netlab")
    assert found.number == number
    assert network(folder).observe(SCOPE).by_name[NODE].table == NftTable()


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '[1, 2, "inet", "netlab", [["s", "type ipv4_addr", false, "gone"]], []]', "[1,2,3,4,5,6]"]
)
def test_a_broken_note_is_worthless(folder, text):
    bring(network(folder), wished(MANY))
    (folder / NODE).write_text(text)
    assert network(folder).observe(SCOPE).by_name[NODE].table == MANY


def test_lost_elements_are_listed(folder, listings):
    bring(network(folder), wished(MANY))
    shutil.rmtree(folder / known_rules.ELEMENTS)
    assert network(folder).observe(SCOPE).by_name[NODE].table == MANY
    assert listings


def test_elements_that_are_no_lines_are_not_noted(folder, listings):
    odd = "".join(f'add element inet netlab s {{ 9.9.{number}.9 comment "a\tb" }}\n' for number in range(100))
    bring(network(folder), wished(FEW))
    by_hand(odd)
    for _ in range(2):
        linux, before = network(folder), len(listings)
        assert linux.observe(SCOPE).by_name[NODE].table == listed()
        linux.close()
        assert len(listings) == before + 2, "that of the test, and one that was needed"


def test_what_had_to_be_listed_is_known_to_the_next(folder, listings):
    bring(network(folder), wished(FEW))
    by_hand("add table inet firewall")
    linux = network(folder)
    assert linux.observe(SCOPE).by_name[NODE].table == FEW
    linux.close()
    assert len(listings) == 1
    assert network(folder).observe(SCOPE).by_name[NODE].table == FEW
    assert len(listings) == 1


def test_without_a_directory_rules_are_always_listed(listings):
    linux = LinuxNetwork()
    try:
        bring(linux, wished(FEW))
        assert linux.observe(SCOPE).by_name[NODE].table == FEW
        assert listings
    finally:
        netns.delete(NODE)


def test_a_directory_that_cannot_be_written_costs_listings_only(folder, listings):
    folder.write_text("")
    bring(network(folder), wished(FEW))
    assert network(folder).observe(SCOPE).by_name[NODE].table == FEW
    assert listings


def test_the_number_after_the_highest_leaves_out_zero():
    highest = generation.Generation(cookie=7, number=(1 << 32) - 1)
    assert [highest.later(number) for number in range(4)] == [highest, (7, 1), (7, 2), (7, 3)]


def test_names_that_are_forgotten_leave_no_file(folder):
    linux = network(folder)
    bring(linux, wished(FEW, NODE, OTHER))
    bring(linux, wished(FEW, NODE))
    linux.forget([OTHER])
    assert {path.name for path in folder.iterdir()} == {NODE, known_rules.ELEMENTS}

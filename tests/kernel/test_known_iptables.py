"""Rules of iptables-nft that are known are not listed; whatever anybody else does to them, they are seen as they are."""

import os
import subprocess
from dataclasses import replace

import pytest

from netlab.kernel import iptables, netns
from netlab.kernel.known_rules import KnownRules
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.port import Scope
from netlab.netstate.names import NetnsName
from netlab.netstate.state import Namespace, NetState
from netlab.plan.diff import diff
from tests.states import iptables as rules_of

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

MARK = "netlab 0000-known"
NODE, OTHER = NetnsName("t7.node-1"), NetnsName("t7.node-2")
SCOPE = Scope(mark=MARK, names=frozenset({NODE, OTHER}))
JUMP = {"PREROUTING": ["-j KUBE-SERVICES"], "KUBE-SERVICES": ["-d 10.96.0.1/32 -j KUBE-A"]}
ONE = rules_of(nat=JUMP | {"KUBE-A": ["-j RETURN"]}, filter={"KUBE-FORWARD": []})
TWO = rules_of(nat=JUMP | {"KUBE-A": ["-j ACCEPT"], "KUBE-B": []})
SIX = rules_of(family="ip6", nat={"KUBE-A": ["-s fd00::1/128 -j RETURN"]})


@pytest.fixture
def listings(monkeypatch):
    """Every listing that is made, by its program."""
    made = []
    listed = iptables.listed
    monkeypatch.setattr(
        iptables, "listed", lambda variant, family: (made.append((variant, family)), listed(variant, family))[1]
    )
    return made


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "rules"
    for name in (NODE, OTHER):
        netns.delete(name)


def wished(*rules, names=(NODE,)):
    return NetState(namespaces=frozenset(Namespace(name=name, iptables=frozenset(rules)) for name in names))


def network(folder):
    """That of a process of its own."""
    return LinuxNetwork(rules=KnownRules(folder))


def bring(linux, state):
    """Look, compare, act, and write down what is known, as at the end of a session; return the number of steps."""
    plan = diff(state, linux.observe(SCOPE), MARK)
    linux.apply(SCOPE, plan.steps)
    linux.close()
    return len(plan.steps)


def by_hand(*words):
    subprocess.run(["ip", "netns", "exec", NODE, *words], check=True)


def seen(linux):
    space = linux.observe(SCOPE).by_name[NODE]
    return space.iptables, space.strangers


def there():
    """What the programs say, whatever is known."""
    space = LinuxNetwork().observe(SCOPE).by_name[NODE]
    return space.iptables, space.strangers


def test_what_was_written_is_known_to_this_process_and_the_next(folder, listings):
    linux = network(folder)
    for rules in ([ONE], [TWO], [TWO, SIX], [ONE, SIX], [ONE]):
        assert bring(linux, wished(*rules, names=(NODE, OTHER)))
        assert seen(linux) == seen(network(folder)) == (frozenset(rules), frozenset())
        assert bring(linux, wished(*rules, names=(NODE, OTHER))) == 0
    assert not listings
    assert seen(linux) == there()


CHANGES_BY_HAND = {
    "a chain emptied": ("iptables-nft", "-t", "nat", "-F", "KUBE-A"),
    "a rule of others": ("iptables-nft", "-A", "FORWARD", "-j", "ACCEPT"),
    "all rules flushed": ("nft", "flush", "ruleset"),
    "IPv6": ("ip6tables-nft", "-N", "KUBE-X"),
    "a table of nft": ("nft", "add", "table", "inet", "firewall"),
    "the legacy program": ("iptables-legacy", "-N", "KUBE-X"),
}


@pytest.mark.parametrize("words", CHANGES_BY_HAND.values(), ids=CHANGES_BY_HAND)
@pytest.mark.parametrize("is_new", [False, True], ids=["this process", "another one"])
def test_what_is_changed_by_hand_is_seen_and_repaired(folder, words, is_new):
    linux = network(folder)
    bring(linux, wished(ONE))
    by_hand(*words)
    linux = network(folder) if is_new else linux
    assert seen(linux) == there()
    bring(linux, wished(ONE))
    assert seen(linux) == seen(network(folder)) == there()
    assert there()[0] == {ONE}


@pytest.mark.parametrize("words", CHANGES_BY_HAND.values(), ids=CHANGES_BY_HAND)
def test_a_change_between_the_look_and_the_act_is_not_taken_for_ours(folder, words):
    linux = network(folder)
    bring(linux, wished(ONE))
    plan = diff(wished(TWO), linux.observe(SCOPE), MARK)
    by_hand(*words)
    if words[0] != "nft" or words[1] != "flush":
        linux.apply(SCOPE, plan.steps)
    assert seen(linux) == seen(network(folder)) == there()


def test_strangers_are_known_too(folder, listings):
    linux = network(folder)
    bring(linux, wished(ONE))
    by_hand("iptables-nft", "-t", "nat", "-A", "PREROUTING", "-j", "ACCEPT")
    strangers = frozenset({rules_of(nat={"PREROUTING": ["-j ACCEPT"]})})
    assert seen(linux) == seen(network(folder)) == (frozenset({ONE}), strangers)
    count = len(listings)
    bring(linux, wished(TWO))
    assert seen(linux) == (frozenset({TWO}), strangers)
    assert len(listings) == count
    assert seen(linux) == there()


def test_the_legacy_program_is_always_asked(folder, listings):
    linux, rules = network(folder), replace(ONE, variant="legacy")
    bring(linux, wished(rules))
    assert seen(linux)[0] == {rules}
    assert listings == [("legacy", "ip")]


@pytest.mark.parametrize("text", ["", "[]", "null", "[1, 2, 3]", '[1, 2, {"ip": 5}]'])
def test_a_broken_note_is_worthless(folder, text):
    bring(network(folder), wished(ONE))
    (folder / "iptables" / NODE).write_text(text)
    assert seen(network(folder)) == (frozenset({ONE}), frozenset())


def test_a_lab_without_iptables_has_no_note_and_starts_nothing(folder, listings):
    bring(network(folder), wished())
    assert seen(network(folder)) == (frozenset(), frozenset())
    assert not listings
    assert not folder.exists()


def test_names_that_are_forgotten_leave_no_file(folder):
    linux = network(folder)
    bring(linux, wished(ONE, names=(NODE, OTHER)))
    bring(linux, wished(ONE))
    linux.forget([OTHER])
    assert {path.name for path in (folder / "iptables").iterdir()} == {NODE}

"""Rules of iptables as Linux keeps them: every golden rule set is printed back as it was written, by both programs."""

import os
from pathlib import Path

import pytest

from netlab.kernel import iptables, iptables_trial, netns, nft
from netlab.kernel.iptables_listing import parse_save
from netlab.kernel.known_iptables import KnownIptables
from netlab.netstate.iptables import IptablesChain, IptablesRules, IptablesTable
from netlab.plan.iptables import MANY_CHAINS, restore_input
from netlab.plan.steps import ApplyIptables
from tests.unit.test_desired_iptables import ENDPOINT_OF_IPV6

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "rules").glob("*.iptables"))
VARIANTS = pytest.mark.parametrize("variant", ["nft", "legacy"])


def in_fresh_namespace(function):
    netns.prepare_directory()
    netns.run_in_thread(lambda: netns.create("t3.iptables", lambda: None))
    try:
        return netns.in_namespace("t3.iptables", function)
    finally:
        netns.delete("t3.iptables")


def apply(wanted: IptablesRules, before: IptablesRules | None = None) -> IptablesRules | None:
    """Write rules, and return what is read back."""
    step = ApplyIptables(netns="", variant=wanted.variant, family=wanted.family, script=restore_input(wanted, before))
    iptables.restore(step.words, step.script)
    return iptables.listed(wanted.variant, wanted.family).ours


@VARIANTS
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_rules_are_read_back_as_they_were_written(path, variant):
    wanted = parse_save(path.read_text(), variant, "ip").ours
    found = in_fresh_namespace(lambda: apply(wanted))
    assert found == wanted
    assert str(found) == path.read_text()


@VARIANTS
def test_so_are_those_of_ipv6(variant):
    wanted = parse_save(str(ENDPOINT_OF_IPV6), variant, "ip6").ours
    assert in_fresh_namespace(lambda: apply(wanted)) == wanted


@VARIANTS
def test_many_chains_come_and_go(variant):
    """More than what is written for few: the table is printed first, which needs one that is there."""
    chains = [IptablesChain(name=f"KUBE-SVC-{number}", rules=("-j RETURN",)) for number in range(MANY_CHAINS)]
    jump = IptablesChain(name="PREROUTING", rules=("-j KUBE-SVC-0",))
    wanted = IptablesRules(variant=variant, tables=frozenset({IptablesTable(name="nat", chains=frozenset({jump, *chains}))}))

    def work():
        assert apply(wanted) == wanted
        iptables.restore((f"iptables-{variant}-restore", "--noflush"), restore_input(None, wanted))
        return iptables.listed(variant, "ip").ours

    assert in_fresh_namespace(work) is None


@VARIANTS
def test_one_rule_set_becomes_another(variant):
    """From each to the next, with nothing in between."""

    def work():
        before = None
        for path in GOLDEN:
            wanted = parse_save(path.read_text(), variant, "ip").ours
            assert apply(wanted, before) == wanted
            before = wanted

    assert len(GOLDEN) > 10
    in_fresh_namespace(work)


def test_a_namespace_without_rules_starts_no_program(monkeypatch):
    monkeypatch.setattr(iptables.subprocess, "run", None)
    assert in_fresh_namespace(lambda: list(KnownIptables().observe("x", nft.tables()))) == []


def test_the_legacy_program_leaves_no_file():
    lock = Path("/run/xtables.lock")
    lock.unlink(missing_ok=True)  # some other test may have called the program by hand
    wanted = parse_save(GOLDEN[0].read_text(), "legacy", "ip").ours
    in_fresh_namespace(lambda: apply(wanted))
    assert not lock.exists()


@VARIANTS
def test_this_machine_can_do_it(variant):
    finding = iptables_trial.tried("iptables", variant)
    assert (finding.state, str(finding)) == ("ok", f"the rules of a Node were loaded by iptables-{variant} and read back")
    iptables_trial.require(variant)

"""Rules of iptables compared: rows of what differs and the input for it; the law on random rules; listings read back."""

import pytest
from hypothesis import given, settings

from netlab.kernel.fake_iptables import FakeIptables, FakeIptablesError
from netlab.kernel.iptables import complaint
from netlab.kernel.iptables_listing import parse_save
from netlab.netstate.iptables import IptablesChain, IptablesRules, IptablesTable, target
from netlab.netstate.state import Namespace, NetState
from netlab.plan.diff import diff
from netlab.plan.iptables import MANY_CHAINS, restore_input
from netlab.plan.steps import ApplyIptables, ApplyNft
from tests.states import MARK, iptables, rules_of_iptables, table

JUMP = {"PREROUTING": ["-j KUBE-SERVICES"], "KUBE-SERVICES": []}
A, B = {"KUBE-A": ["-j RETURN"]}, {"KUBE-B": ["-j KUBE-A"]}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        pytest.param({}, {}, [], id="nothing"),
        pytest.param(A, A, [], id="no change"),
        pytest.param({}, A, ["*nat", ":KUBE-A - [0:0]", "-A KUBE-A -j RETURN", "COMMIT"], id="a chain comes"),
        pytest.param(A, {}, ["*nat", ":KUBE-A - [0:0]", "-X KUBE-A", "COMMIT"], id="a chain goes"),
        pytest.param(
            A | B, B | {"KUBE-A": ["-j ACCEPT"]},
            ["*nat", ":KUBE-A - [0:0]", "-A KUBE-A -j ACCEPT", "COMMIT"], id="only the chain that differs",
        ),
        pytest.param(
            A | B, {"KUBE-B": []},
            ["*nat", ":KUBE-B - [0:0]", ":KUBE-A - [0:0]", "-X KUBE-A", "COMMIT"],
            id="nothing leads to a chain when it goes",
        ),
        pytest.param(
            {}, JUMP,
            ["*nat", "-F PREROUTING", ":KUBE-SERVICES - [0:0]", "-A PREROUTING -j KUBE-SERVICES", "COMMIT"],
            id="a jump from a built-in chain",
        ),
        pytest.param(
            JUMP, {},
            ["*nat", "-F PREROUTING", ":KUBE-SERVICES - [0:0]", "-X KUBE-SERVICES", "COMMIT"], id="that jump goes",
        ),
    ],
)  # fmt: skip
def test_the_input_says_what_differs(before, after, lines):
    assert restore_input(iptables(nat=after), iptables(nat=before)).splitlines() == lines


def test_strangers_stay_behind_our_jumps():
    strangers = iptables(nat={"PREROUTING": ["-p tcp -j ACCEPT"]})
    script = restore_input(iptables(nat=JUMP), None, strangers)
    assert script.splitlines() == [
        "*nat", "-F PREROUTING", ":KUBE-SERVICES - [0:0]",
        "-A PREROUTING -j KUBE-SERVICES", "-A PREROUTING -p tcp -j ACCEPT", "COMMIT",
    ]  # fmt: skip
    kernel = FakeIptables()
    kernel.restore("*nat\n-A PREROUTING -p tcp -j ACCEPT\nCOMMIT\n")
    kernel.restore(script)
    kernel.restore(restore_input(None, *kernel.listed("nft", "ip")))
    assert kernel.listed("nft", "ip") == (None, strangers)


@pytest.mark.parametrize(("count", "head"), [(MANY_CHAINS - 2, [":"]), (MANY_CHAINS - 1, ["-S", ":"])])
def test_before_many_chains_the_table_is_printed(count, head):
    """Coming and going; the built-in chain first, because without it there is no table to print."""
    many = JUMP | {f"KUBE-SVC-{number}": [] for number in range(count)}
    kernel = FakeIptables()
    for wanted in (many, {}):
        script = restore_input(iptables(nat=wanted), *kernel.listed("nft", "ip"))
        assert [line[:2].rstrip("KC") for line in script.splitlines()[1 : 2 + len(head)]] == ["-F", *head]
        kernel.restore(script)
    assert kernel.listed("nft", "ip").ours is None


def test_filter_comes_before_nat():
    script = restore_input(iptables(nat=A, filter=A), None)
    assert [line for line in script.splitlines() if line.startswith("*")] == ["*filter", "*nat"]


@settings(max_examples=200)
@given(before=rules_of_iptables(), after=rules_of_iptables())
def test_what_was_desired_is_listed(before, after):
    kernel = FakeIptables()
    for wanted in (before, after):
        script = restore_input(wanted, *kernel.listed("nft", "ip"))
        for _ in range(2 if script else 0):  # the same input once more changes nothing
            kernel.restore(script)
            assert kernel.listed("nft", "ip").ours == (wanted if wanted.tables else None)
    assert restore_input(after, *kernel.listed("nft", "ip")) == ""
    assert kernel.listed("nft", "ip").ours == parse_save(str(after)).ours


def state(**rules):
    return NetState(namespaces=frozenset({Namespace(name="t.node-1", **rules)}))


NFT, NAT = {"table": table()}, {"iptables": frozenset({iptables(nat=A)})}


@pytest.mark.parametrize(
    ("before", "after"),
    [pytest.param(NFT, NAT, id="to iptables"), pytest.param(NAT, NFT, id="to nftables")],
)
def test_new_rules_come_before_the_old_ones_go(before, after):
    come, go = diff(state(**after), state(**before), MARK).steps
    assert {type(come), type(go)} == {ApplyNft, ApplyIptables}
    assert go.reason == "no rules are wanted"
    assert come.reason == "there are no rules yet"


def test_rules_of_the_other_program_go():
    legacy = state(iptables=frozenset({iptables(variant="legacy", nat=A)}))
    come, go = diff(state(**NAT), legacy, MARK).steps
    assert come.command.splitlines()[0] == "ip netns exec t.node-1 iptables-nft-restore -w --noflush <<'EOF'"
    assert go.command.splitlines() == [
        "ip netns exec t.node-1 iptables-legacy-restore -w --noflush <<'EOF'",
        "*nat", ":KUBE-A - [0:0]", "-X KUBE-A", "COMMIT", "EOF",
    ]  # fmt: skip
    assert go.reason == "packets would meet these besides those of iptables-nft"


def test_the_reason_names_chains():
    more = {"iptables": frozenset({iptables(nat=A | B | JUMP)})}
    [step] = diff(state(**more), state(**NAT), MARK).steps
    assert step.reason == "KUBE-B, KUBE-SERVICES, PREROUTING differ"


@pytest.mark.parametrize(
    ("rule", "leads_to"),
    [
        ("-j KUBE-A", "KUBE-A"),
        ("-p tcp -m tcp --dport 80 -g KUBE-A", "KUBE-A"),
        ('-m comment --comment "goes -j KUBE-B \\" -j X" -j DNAT --to-destination 10.0.0.1:80', "DNAT"),
        ('-m comment --comment "nothing"', ""),
    ],
)
def test_where_a_rule_leads(rule, leads_to):
    assert target(rule) == leads_to


SAVED = """\
# Generated by iptables-nft-save v1.8.9 (nf_tables) on Sun Nov 29 10:40:20 2026
*mangle
:PREROUTING ACCEPT [5:300]
-A PREROUTING -j KUBE-A
COMMIT
*nat
:PREROUTING DROP [1:60]
:INPUT ACCEPT [0:0]
:KUBE-A - [0:0]
:MINE - [0:0]
-A PREROUTING -j KUBE-A
-A PREROUTING -j MINE
-A KUBE-A -s 10.0.0.1/32 -j MINE
-A MINE -j RETURN
COMMIT
# Completed on Sun Nov 29 10:40:20 2026
*filter
:INPUT ACCEPT [0:0]
COMMIT
"""


def test_a_listing_is_split_into_ours_and_that_of_strangers():
    ours, strangers = parse_save(SAVED, "legacy", "ip")
    assert ours == iptables(variant="legacy", nat={"PREROUTING": ["-j KUBE-A"], "KUBE-A": ["-s 10.0.0.1/32 -j MINE"]})
    assert strangers == iptables(variant="legacy", nat={"PREROUTING": ["-j MINE"]})


@pytest.mark.parametrize("text", ["-A KUBE-A -j RETURN\n", "*nat\n-A KUBE-A -j RETURN\nCOMMIT\n"])
def test_what_is_no_listing_is_refused(text):
    with pytest.raises(ValueError, match="not a listing"):
        parse_save(text)


def test_printed_as_the_program_prints_it():
    rules = IptablesRules(
        tables=frozenset({IptablesTable(name="nat", chains=frozenset({IptablesChain(name="KUBE-A", rules=("-j RETURN",))}))})
    )
    assert str(rules) == "*nat\n:KUBE-A - [0:0]\n-A KUBE-A -j RETURN\nCOMMIT\n"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        pytest.param("*nope\nCOMMIT\n", "table name 'nope' invalid", id="no such table"),
        pytest.param("*nat\n-A KUBE-X -j RETURN\nCOMMIT\n", "No chain/target/match", id="a rule in no chain"),
        pytest.param("*nat\n-X KUBE-X\nCOMMIT\n", "No chain/target/match", id="a chain that is not there goes"),
        pytest.param("*nat\n-A PREROUTING -j KUBE-X\nCOMMIT\n", "Chain 'KUBE-X' does not exist", id="a jump to nowhere"),
        pytest.param(
            "*nat\n:KUBE-X - [0:0]\n-A KUBE-X -j PREROUTING\nCOMMIT\n", "not supported", id="a jump to a built-in chain"
        ),
        pytest.param(
            "*nat\n:KUBE-X - [0:0]\n-A KUBE-X -j REJECT\nCOMMIT\n", "Invalid argument", id="a target of another table"
        ),
        pytest.param("*nat\n:KUBE-X - [0:0]\n-A KUBE-X -j KUBE-X\n-A INPUT -j KUBE-X\nCOMMIT\n", "Too many links", id="a loop"),
        pytest.param("*nat\n:KUBE-A - [0:0]\n-X KUBE-A\nCOMMIT\n", "busy", id="a chain in use"),
        pytest.param("*nat\n-X PREROUTING\nCOMMIT\n", "busy", id="a built-in chain"),
        pytest.param(f"*nat\n:{'K' * 29} - [0:0]\nCOMMIT\n", "too long", id="a long name"),
        pytest.param("*nat\n-I PREROUTING -j ACCEPT\nCOMMIT\n", "unknown command", id="outside the dialect"),
        pytest.param("*nat\n:PREROUTING DROP [0:0]\nCOMMIT\n", "unknown command", id="a policy"),
        pytest.param("*nat\n:KUBE-X - [0:0]", "COMMIT expected at line 3", id="an open table"),
    ],
)
def test_the_fake_refuses_what_iptables_refuses(script, message):
    kernel = FakeIptables()
    kernel.restore(restore_input(iptables(nat=A | B), None))
    before = kernel.listed("nft", "ip")
    with pytest.raises(FakeIptablesError, match=message):
        kernel.restore(script)
    assert kernel.listed("nft", "ip") == before


SCRIPT = "*nat\n:KUBE-A - [0:0]\n-A KUBE-A -j NOPE\nCOMMIT\n"


@pytest.mark.parametrize(
    ("stderr", "said"),
    [
        pytest.param(
            "iptables-nft-restore v1.8.9 (nf_tables): Chain 'NOPE' does not exist\nError occurred at line: 3\nTry `x -h' ...\n",
            "iptables-nft-restore v1.8.9 (nf_tables): Chain 'NOPE' does not exist Error occurred at line: 3: -A KUBE-A -j NOPE",
            id="nft",
        ),
        pytest.param("iptables-restore: line 3 failed\n", "iptables-restore: line 3 failed: -A KUBE-A -j NOPE", id="legacy"),
        pytest.param("# Warning: tables\nno rights\n", "no rights", id="no line"),
        pytest.param("line 99 failed\n", "line 99 failed", id="a line that is not there"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_complaint_has_the_line_it_means(stderr, said):
    assert complaint(stderr, SCRIPT) == said

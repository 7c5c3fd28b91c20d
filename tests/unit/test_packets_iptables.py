"""Rules of iptables as the walk reads them: each option and each target, as rows, and what is refused."""

import pytest

from netlab.netstate.iptables import IptablesChain, IptablesRules, IptablesTable
from netlab.netstate.nft import Element
from netlab.packets.iptables import iptables_rulesets
from netlab.packets.packet import Packet, ping
from netlab.packets.scene import Scene
from netlab.packets.tokens import UnknownRule
from netlab.packets.traffic import Connection, Traffic

TCP = Packet(protocol="tcp", source="10.244.1.4", source_port=40000, destination="10.96.0.21", destination_port=80)
TCP6 = Packet(protocol="tcp", source="fd00::4", source_port=40000, destination="fd00::21", destination_port=80)
UDP = Packet(protocol="udp", source="10.244.1.4", source_port=40000, destination="10.96.0.21", destination_port=53)
TRANSLATED = Connection(original=TCP, reply=TCP.to("10.244.1.2", 8080).answer)


def scene(packet=TCP, *, mark=0, iif="cni0", oif="eth0", state="new", connection=None, choose=lambda _: 0, traffic=None):
    return Scene(
        netns="node", packet=packet, mark=mark, iif=iif, oif=oif, state=state, is_reply=False, traffic=traffic or Traffic(),
        connection=connection or Connection(original=packet, reply=packet.answer), choose=choose, sets={},
        route_type=lambda address, _: 2 if address == "172.18.0.2" else 1,
    )  # fmt: skip


def rulesets(*rules, family="ip", table="filter", **chains):
    made = {"FORWARD" if table == "filter" else "PREROUTING": rules, "OTHER": ("-j DROP",), **chains}
    found = frozenset(IptablesChain(name=name, rules=tuple(one)) for name, one in made.items())
    tables = frozenset({IptablesTable(name=table, chains=found)})
    return list(iptables_rulesets(IptablesRules(family=family, tables=tables)))


def run(rules, at, **more):
    (found,) = rulesets(*rules, **more)
    return found.evaluate(found.bases[0], at)


MATCHES = [
    ("-s 10.244.0.0/16", {}),
    ("! -s 10.96.0.0/16", {}),
    ("-d 10.96.0.21/32", {}),
    ("-p tcp -m tcp --dport 80", {}),
    ("-p tcp -m tcp --dport 79:81", {}),
    ("-p tcp -m tcp ! --dport 81", {}),
    ("-p tcp -m tcp --sport 40000", {}),
    ("-p udp -m udp --dport 53", {"packet": UDP}),
    ("! -p udp", {}),
    ("-i cni0 -o eth+", {}),
    ("! -i eth0", {}),
    ('-m comment --comment "kubernetes -j DROP"', {}),
    ("-m conntrack --ctstate NEW", {}),
    ("-m conntrack --ctstate RELATED,ESTABLISHED", {"state": "established"}),
    ("-m conntrack --ctstate DNAT", {"connection": TRANSLATED}),
    ("-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT", {}),
    ("-m mark --mark 0x4000/0x4000", {"mark": 0x4001}),
    ("-m mark ! --mark 0x4000/0x4000", {"mark": 0x1}),
    ("-m mark --mark 0x2a", {"mark": 42}),
    ("-m addrtype --dst-type LOCAL", {"packet": TCP.to("172.18.0.2", 80)}),
    ("-m addrtype ! --dst-type LOCAL", {}),
    ("-m addrtype --src-type LOCAL", {"packet": TCP.come_from("172.18.0.2", 80)}),
    ("-m statistic --mode random --probability 0.33333333349", {}),
]
MISSES = [
    ("-s 10.96.0.0/16", {}),
    ("-p udp", {}),
    ("-p tcp -m tcp --dport 81", {}),
    ("-i eth0", {}),
    ("-o cni+", {}),
    ("-m conntrack --ctstate DNAT,ESTABLISHED", {}),
    ("-m mark --mark 0x2a", {"mark": 0x1002A}),
    ("-p tcp -m tcp --dport 80", {"packet": ping("10.244.1.4", "10.96.0.21")}),
    ("-m statistic --mode random --probability 0.50000000000", {"choose": lambda _: 1}),
    ("-m recent --rcheck --seconds 10800 --reap --name A --mask 255.255.255.255 --rsource", {}),
]


@pytest.mark.parametrize(("rule", "given"), MATCHES)
def test_matches(rule, given):
    assert run([f"{rule} -j DROP"], scene(**given)).action.decision == "drop"


@pytest.mark.parametrize(("rule", "given"), MISSES)
def test_does_not_match(rule, given):
    found = run([f"{rule} -j DROP"], scene(**given))
    assert (found.action.decision, found.matched, found.by_policy) == ("accept", (), True)


def test_rules_of_ip6tables():
    assert run(["-s fd00::/64 -p tcp -m tcp --dport 80 -j DROP"], scene(TCP6), family="ip6").action.decision == "drop"


ACTIONS = [
    (["-j OTHER", "-j ACCEPT"], TCP, "drop"),
    (["-j BACK", "-j DROP"], TCP, "drop"),
    (["-g BACK", "-j DROP"], TCP, "accept"),
    (["-j RETURN", "-j DROP"], TCP, "accept"),
    (["-m comment --comment counted", "-j DROP"], TCP, "drop"),
    (["-j REJECT"], TCP6, "reject icmpv6 port-unreachable"),
    (["-j REJECT --reject-with icmp-port-unreachable"], TCP, "reject icmp port-unreachable"),
    (["-p tcp -j REJECT --reject-with tcp-reset"], TCP, "reject tcp reset"),
    (["-p tcp -m tcp -j DNAT --to-destination 10.244.1.2:8080"], TCP, "dnat 10.244.1.2 8080"),
    (["-j DNAT --to-destination 10.244.1.2"], TCP, "dnat 10.244.1.2"),
    (["-j DNAT --to-destination [fd00::2]:8080"], TCP6, "dnat fd00::2 8080"),
    (["-j DNAT --to-destination fd00::2"], TCP6, "dnat fd00::2"),
    (["-j MASQUERADE --random-fully"], TCP, "snat random"),
    (["-j MASQUERADE"], TCP, "snat"),
]


@pytest.mark.parametrize(("rules", "packet", "told"), ACTIONS)
def test_actions(rules, packet, told):
    family = "ip6" if packet.is_ipv6 else "ip"
    action = run(rules, scene(packet), table="nat", family=family, BACK=("-j RETURN", "-j DROP")).action
    words = (action.decision, action.answer, action.address, action.port or "", "random" if action.random_port else "")
    assert " ".join(str(word) for word in words if word) == told


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("-j MARK --set-xmark 0x4000/0x4000", 0x1, 0x4001),
        ("-j MARK --set-xmark 0x4000/0x0", 0x4001, 0x1),
        ("-j MARK --set-xmark 0x2a/0xffffffff", 0x4001, 0x2A),
    ],
)
def test_marks(rule, before, after):
    at = scene(mark=before)
    run([rule], at)
    assert at.mark == after


def test_clients_are_remembered_in_lists():
    at = scene()
    run(
        ["-p tcp -m recent --set --name A --mask 255.255.255.255 --rsource -m tcp -j DNAT --to-destination 10.244.1.2:8080"], at
    )
    assert at.traffic.elements("node", "recent A") == {Element(key=TCP.source)}
    rule = "-m recent --rcheck --seconds 10800 --reap --name {} --mask 255.255.255.255 --rsource -j DROP"
    assert run([rule.format("A")], scene(traffic=at.traffic)).action.decision == "drop"
    assert run([rule.format("B")], scene(traffic=at.traffic)).action.decision == "accept"


def test_tables_have_chains_of_the_same_name_and_hooks_of_their_own():
    tables = frozenset(
        IptablesTable(
            name=name, chains=frozenset({IptablesChain(name="OUTPUT"), IptablesChain(name="KUBE-SERVICES", rules=("-j DROP",))})
        )
        for name in ("filter", "nat")
    )
    found = list(iptables_rulesets(IptablesRules(tables=tables)))
    assert [(one.bases[0].kind, one.bases[0].priority, one.translates) for one in found] == [
        ("filter", 0, False),
        ("nat", -100, True),
    ]


UNKNOWN = [
    "-m limit --limit 5/sec -j ACCEPT",
    "-m set --match-set a src -j ACCEPT",
    "-m recent --update --name A -j ACCEPT",
    "-p icmp -m icmp --icmp-type 8 -j ACCEPT",
    "-j MARK --set-mark 0x1",
    "-j MARK --set-xmark many",
    "-j DNAT --to-source 10.0.0.1",
    "-j REJECT --reject-with odd",
    "-j ACCEPT --odd",
    "-d",
    "-p odd -j ACCEPT",
    "! -j ACCEPT",
    "-d 10.0.0.300 -j ACCEPT",
    "-m statistic --mode random --probability often -j ACCEPT",
    '-m comment --comment "never closed',
    "-m conntrack --ctstate ODD -j ACCEPT",
]


@pytest.mark.parametrize("rule", UNKNOWN)
def test_what_is_not_known_is_refused(rule):
    with pytest.raises(UnknownRule):
        rulesets(rule)


def test_a_target_that_is_no_chain_is_refused_when_it_is_met():
    with pytest.raises(UnknownRule, match="no chain SNAT"):
        run(["-j SNAT"], scene())

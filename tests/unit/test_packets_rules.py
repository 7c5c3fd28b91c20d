"""The interpreter of rules: each expression and each statement of nft's listings, as rows, and what it refuses to read."""

import pytest

from netlab.netstate.nft import Chain, Element, ElementSet, NftTable
from netlab.packets.packet import Packet, ping
from netlab.packets.rules import nft_ruleset
from netlab.packets.scene import Scene
from netlab.packets.tokens import UnknownRule
from netlab.packets.traffic import Connection, Traffic
from netlab.packets.values import IFNAME, IPV4, MARK, PORT, PROTOCOL, Index, show_key

TCP = Packet(protocol="tcp", source="10.244.1.4", source_port=40000, destination="10.96.0.21", destination_port=80)
UDP = Packet(protocol="udp", source="10.244.1.4", source_port=40000, destination="10.96.0.21", destination_port=53)
TCP6 = Packet(protocol="tcp", source="fd00::4", source_port=40000, destination="fd00::21", destination_port=80)
PING, PING6 = ping("10.244.1.4", "10.96.0.21"), ping("fd00::4", "fd00::21")
KEY = "ip daddr . meta l4proto . th dport"


def a_set(name, *elements, **more):
    return ElementSet(name=name, key_type="", elements=frozenset(Element(*one) for one in elements), **more)


SETS = (
    a_set("services", ("10.96.0.21", "", "default/web")),
    a_set("ranges", ("10.96.0.0/24",), ("10.97.0.1-10.97.0.9",)),
    a_set("tuples", ("10.96.0.0/16 . tcp . 80-90",)),
    a_set("verdicts", ("10.96.0.21 . tcp . 80", "goto other", "default/web"), is_map=True),
    a_set("rest", ("tcp", "return"), ("*", "drop"), is_map=True),
    a_set(
        "endpoints",
        *((f"10.96.0.21 . tcp . 80 . {n}", f"10.244.1.{n + 2} . 8080", "default/web") for n in range(3)),
        is_map=True,
    ),
    a_set("addresses", ("10.96.0.21", "10.244.1.2"), is_map=True),
    a_set("addresses6", ("fd00::21", "fd00::2 . 8080"), is_map=True),
    a_set("marks", ("80", "0x0000002a"), is_map=True),
    a_set("learnt"),
)
LOCAL = {"172.18.0.2", "127.0.0.1"}


def scene(
    packet=TCP, *, mark=0, iif="cni0", oif="eth0", state="new", connection=None, is_reply=False, choose=lambda _: 0, sets=SETS
):
    return Scene(
        netns="node", packet=packet, mark=mark, iif=iif, oif=oif, state=state, is_reply=is_reply, traffic=Traffic(), choose=choose,
        connection=connection or Connection(original=packet, reply=packet.answer), sets={one.name: one for one in sets},
        route_type=lambda address, dev: 2 if address in LOCAL and dev in {"", "eth0"} else 1,
    )  # fmt: skip


def table(*rules, **chains):
    hook = "type filter hook forward priority filter; policy accept;"
    others = {"other": ("drop",), **chains}
    return NftTable(
        sets=frozenset(SETS),
        chains=frozenset(
            {Chain(name="base", hook=hook, rules=rules), *(Chain(name=name, rules=one) for name, one in others.items())}
        ),
    )


def run(rules, at, **chains):
    ruleset = nft_ruleset(table(*rules, **chains))
    return ruleset.evaluate(ruleset.bases[0], at)


TRANSLATED = Connection(original=TCP, reply=TCP.to("10.244.1.2", 8080).answer, mark=7)
MATCHES = [
    # addresses and ports
    ("ip daddr 10.96.0.21", {}),
    ("ip daddr 10.96.0.0/16", {}),
    ("ip daddr 10.96.0.20-10.96.0.29", {}),
    ("ip saddr != 10.96.0.0/16", {}),
    ("ip daddr { 10.0.0.1, 10.96.0.0/16 }", {}),
    ("ip daddr != { 10.0.0.1, 10.0.0.2 }", {}),
    ("ip daddr @services", {}),
    ("ip daddr @ranges", {}),
    ("ip saddr != @services", {}),
    (f"{KEY} @tuples", {}),
    ("ip saddr . ip daddr { 10.244.1.4 . 10.96.0.21 }", {}),
    ("ip saddr & 255.255.0.0 == 10.244.0.0", {}),
    ("ip6 daddr fd00::/64", {"packet": TCP6}),
    ("ip6 saddr . ip6 daddr { fd00::4 . fd00::21 }", {"packet": TCP6}),
    ("tcp dport 80", {}),
    ("tcp dport 79-81", {}),
    ("tcp dport { 80, 443 }", {}),
    ("tcp sport >= 1024", {}),
    ("th dport < 81", {}),
    ("udp dport 53", {"packet": UDP}),
    ("ip protocol tcp", {}),
    ("ip6 nexthdr tcp", {"packet": TCP6}),
    ("ip ttl > 63", {}),
    ("icmp type echo-request", {"packet": PING}),
    ("icmpv6 type { echo-request, nd-neighbor-solicit }", {"packet": PING6}),
    # meta
    ("meta l4proto { tcp, udp }", {}),
    ("meta l4proto ipv6-icmp", {"packet": PING6}),
    ("meta nfproto ipv4", {}),
    ("meta nfproto ipv6", {"packet": TCP6}),
    ("meta mark & 0x00004000 == 0x00004000", {"mark": 0x4001}),
    ("meta mark & 0x00004000 != 0x00000000", {"mark": 0x4001}),
    ("meta mark 0x0000002a", {"mark": 42}),
    ('iifname "cni0" oifname "eth0"', {}),
    ('iifname "cni*"', {}),
    ('iif "cni0" oif != "lo"', {}),
    # conntrack and routing
    ("ct state new", {}),
    ("ct state established,related", {"state": "established"}),
    ("ct state != new", {"state": "established"}),
    ("ct status dnat", {"connection": TRANSLATED}),
    ("ct status & (snat | dnat) == dnat", {"connection": TRANSLATED}),
    ("ct mark 0x00000007", {"connection": TRANSLATED}),
    ("ct direction reply", {"is_reply": True}),
    ("ct original ip daddr 10.96.0.0/16 ct original proto-dst 80 ct original protocol tcp", {"connection": TRANSLATED}),
    ("ct reply ip saddr 10.244.1.2 ct reply proto-src 8080", {"connection": TRANSLATED}),
    ("fib daddr type local", {"packet": TCP.to("172.18.0.2", 80)}),
    ("fib daddr type != local", {}),
    ("fib daddr . iif type != local", {"packet": TCP.to("172.18.0.2", 80)}),
    ("fib daddr . iif type local", {"packet": TCP.to("172.18.0.2", 80), "iif": "eth0"}),
    ("fib saddr type local", {"packet": TCP.come_from("127.0.0.1", 1)}),
    # what does nothing
    ("counter packets 12 bytes 720", {}),
    ('ip daddr 10.96.0.21 comment "not a word { of it } is read"', {}),
]
MISSES = [
    ("ip daddr 10.96.0.22", {}),
    ("ip daddr 10.0.0.0/8", {"packet": TCP6}),
    ("ip daddr != 10.0.0.1", {"packet": TCP6}),
    ("ip6 daddr != fd00::1", {}),
    ("tcp dport 53", {"packet": UDP}),
    ("tcp dport != 80", {"packet": UDP}),
    ("th dport { 0-65535 }", {"packet": PING}),
    ("icmp type echo-request", {}),
    ("icmpv6 type echo-request", {"packet": PING}),
    (f"{KEY} @tuples", {"packet": UDP}),
    ("ip daddr @ranges", {"packet": TCP.to("10.97.0.10", 80)}),
    ("ct status dnat", {}),
    ("ct state established,related", {}),
    ('iifname "cni"', {}),
    ('oifname "eth*"', {"oif": ""}),
]


@pytest.mark.parametrize(("rule", "given"), MATCHES)
def test_matches(rule, given):
    found = run([f"{rule} drop"], scene(**given))
    assert (found.action.decision, [one.chain for one in found.matched]) == ("drop", ["base"])


@pytest.mark.parametrize(("rule", "given"), MISSES)
def test_does_not_match(rule, given):
    found = run([f"{rule} drop"], scene(**given))
    assert (found.action.decision, found.matched, found.by_policy) == ("accept", (), True)


VERDICTS = [
    pytest.param(["accept", "drop"], "accept", id="accept ends the hook's chain"),
    pytest.param(["jump other", "accept"], "drop", id="a jump runs the other chain"),
    pytest.param(["jump back", "drop"], "drop", id="and goes on behind it"),
    pytest.param(["goto back", "drop"], "accept", id="goto does not come back"),
    pytest.param(["jump onward", "drop"], "drop", id="goto comes back to where its chain was jumped to from"),
    pytest.param(["return", "drop"], "accept", id="return in a base chain is its policy"),
    pytest.param(["continue", "drop"], "drop", id="continue is nothing"),
    pytest.param([f"{KEY} vmap @verdicts", "accept"], "drop", id="a verdict map, named"),
    pytest.param(["th dport vmap { 53 : accept, 80 : drop }"], "drop", id="a verdict map, written down"),
    pytest.param(["th dport vmap { 53 : drop }", "accept"], "accept", id="no element: the rule does not match"),
    pytest.param(["ct state vmap { established : accept, new : drop }"], "drop", id="a verdict map of states"),
    pytest.param(["meta l4proto vmap @rest", "drop"], "accept", id="the element of a map before the one for the rest"),
    pytest.param(["ip ttl . meta l4proto vmap { 64 . tcp : jump back }", "drop"], "drop", id="a jump by a map"),
]


@pytest.mark.parametrize(("rules", "decision"), VERDICTS)
def test_verdicts(rules, decision):
    found = run(rules, scene(), back=("return", "drop"), onward=("goto back", "accept"))
    assert found.action.decision == decision


def test_the_element_for_the_rest_is_the_last_resort():
    assert run(["meta l4proto vmap @rest"], scene(UDP)).action.decision == "drop"


ACTIONS = [
    ("reject", TCP, "reject icmp port-unreachable"),
    ("reject", TCP6, "reject icmpv6 port-unreachable"),
    ("reject with icmp port-unreachable", TCP, "reject icmp port-unreachable"),
    ("reject with icmp port-unreachable", TCP6, "accept"),
    ("reject with icmpv6 admin-prohibited", TCP6, "reject icmpv6 admin-prohibited"),
    ("reject with icmpx type host-unreachable", TCP6, "reject icmpv6 host-unreachable"),
    ("reject with tcp reset", TCP, "reject tcp reset"),
    ("reject with tcp reset", UDP, "accept"),
    ("dnat ip to 10.244.1.2", TCP, "dnat 10.244.1.2"),
    ("dnat ip to 10.244.1.2:8080", TCP, "dnat 10.244.1.2 8080"),
    ("dnat ip to 10.244.1.2:8080", TCP6, "accept"),
    ("dnat to 10.244.1.2:8080", TCP, "dnat 10.244.1.2 8080"),
    ("dnat ip6 to [fd00::2]:8080", TCP6, "dnat fd00::2 8080"),
    ("dnat ip6 to fd00::2", TCP6, "dnat fd00::2"),
    ("dnat ip to ip daddr map @addresses", TCP, "dnat 10.244.1.2"),
    (f"dnat ip to {KEY} . numgen random mod 3 map @endpoints", TCP, "dnat 10.244.1.4 8080"),
    (f"dnat ip to {KEY} . numgen random mod 3 map @endpoints", UDP, "accept"),
    ("dnat ip to numgen random mod 3 map { 0 : 10.0.0.1, 1 : 10.0.0.2, 2 : 10.0.0.3 }", TCP, "dnat 10.0.0.3"),
    ("dnat ip to numgen random mod 3 offset 5 map { 7 : 10.0.0.3 . 80 }", TCP, "dnat 10.0.0.3 80"),
    ("dnat ip6 to ip6 daddr map @addresses6", TCP6, "dnat fd00::2 8080"),
    ("snat ip to 172.18.0.2 fully-random", TCP, "snat 172.18.0.2 random"),
    ("masquerade", TCP, "snat"),
    ("masquerade fully-random", TCP6, "snat random"),
    ("masquerade random,persistent", TCP, "snat random"),
]


@pytest.mark.parametrize(("rule", "packet", "told"), ACTIONS)
def test_actions(rule, packet, told):
    action = run([rule], scene(packet, choose=lambda below: below - 1)).action
    words = (action.decision, action.answer, action.address, action.port or "", "random" if action.random_port else "")
    assert " ".join(str(word) for word in words if word) == told


MARKS = [
    ("meta mark set 0x2a", 0x1, 0x2A),
    ("meta mark set meta mark | 0x00004000", 0x1, 0x4001),
    ("meta mark set meta mark & 0xffffbfff", 0x4001, 0x1),
    ("meta mark set meta mark ^ 0x00004000", 0x4001, 0x1),
    ("meta mark set meta mark & 0x000000ff | 0x00000100", 0xABCD, 0x1CD),
    ("meta mark set meta mark << 4 >> 8", 0x1234, 0x123),
    ("meta mark set ct mark", 0, 7),
    ("meta mark set th dport map @marks", 0, 0x2A),
    ("ip daddr 10.0.0.1 meta mark set 0x2a", 1, 1),
    ("meta mark set 0x2a ip daddr 10.0.0.1", 1, 0x2A),
]


# As the kernel gave them: elements that `update @set { meta mark }` left behind (nft 1.0.6, Linux 6.18, x86).
HASHES = [
    ("jhash ip6 saddr mod 4294967295 seed 0x1", "fd00:10:244:1::4", 0xB2E7034D),
    ("jhash ip6 saddr . meta mark mod 4294967295 seed 0x1", "fd00:10:244:1::4", 0xFFD97F64),
    ("jhash ip saddr mod 1000 seed 0x2a", "10.244.1.4", 864),
]


@pytest.mark.parametrize(("expression", "source", "value"), HASHES)
def test_hashes(expression, source, value):
    destination = "fd00::21" if ":" in source else "10.96.0.21"
    sent = Packet(protocol="udp", source=source, source_port=1, destination=destination, destination_port=9)
    at = scene(sent, mark=0xA3916514)
    run([f"meta mark set {expression}"], at)
    assert at.mark == value


@pytest.mark.parametrize(("rule", "before", "after"), MARKS)
def test_marks_stay_whatever_comes_of_their_rule(rule, before, after):
    at = scene(mark=before, connection=TRANSLATED)
    run([rule], at)
    assert at.mark == after


def test_the_mark_of_a_connection():
    at = scene(connection=TRANSLATED)
    run(["ct mark set ct mark & 0x3 | 0x10"], at)
    assert at.connection.mark == 0x13


LEARN = "{ ip saddr . th dport timeout 3h : ct mark }"


def test_packets_add_elements_to_dynamic_sets():
    at = scene(connection=TRANSLATED)
    run([f"update @learnt {LEARN}"], at)
    assert at.traffic.elements("node", "learnt") == {Element(key="10.244.1.4 . 80", value="0x00000007")}
    assert not at.traffic.elements("other", "learnt")


def test_what_was_learnt_is_found():
    at = scene(connection=TRANSLATED)
    found = run([f"add @learnt {LEARN}", "meta mark set ip saddr . th dport map @learnt"], at)
    assert (at.mark, found.matched[1].elements) == (7, (Element(key="10.244.1.4 . 80", value="0x00000007"),))


@pytest.mark.parametrize(("change", "left"), [("add", "0x00000007"), ("update", "0x00000007"), ("delete", None)])
def test_an_element_keeps_its_value_until_it_is_deleted(change, left):
    at = scene(connection=TRANSLATED)
    run([f"add @learnt {LEARN}", "ct mark set 0x8", f"{change} @learnt {LEARN}"], at)
    assert {one.value for one in at.traffic.elements("node", "learnt")} == ({left} if left else set())


def test_matched_rules_tell_the_elements_they_used_and_whose_they_are():
    found = run([f"ip daddr @services {KEY} vmap @verdicts"], scene())
    assert [one.chain for one in found.matched] == ["base", "other"]
    assert [one.comment for one in found.matched[0].elements] == ["default/web", "default/web"]
    assert [one.value for one in found.matched[0].elements] == ["", "goto other"]


UNKNOWN = [
    "limit rate 5/second accept",
    'log prefix "x" accept',
    "queue num 1",
    "tcp flags syn accept",
    "ip dscp cs1 accept",
    "meta skuid 0 accept",
    "numgen inc mod 2 vmap { 0 : accept }",
    'fib daddr oif "eth0" accept',
    "reject with icmp",
    "reject with tcp port-unreachable",
    "ip daddr",
    "ip daddr 10.96.0 accept",
    "ip daddr { 10.96.0.1",
    "ip saddr . ip daddr 10.0.0.1 accept",
    "ct state fresh accept",
    "tcp dport http accept",
    "meta mark set 0x1-0x2",
    "flow add @f",
    "meta mark set jhash ip saddr mod 2",
    "meta mark set jhash tcp dport mod 2 seed 0x1",
    "notrack",
]


@pytest.mark.parametrize("rule", UNKNOWN)
def test_what_is_not_known_is_refused_when_the_table_is_read(rule):
    with pytest.raises(UnknownRule):
        nft_ruleset(table(rule))


@pytest.mark.parametrize(
    "rule",
    [
        "jump nowhere",
        "ip daddr @nothing accept",
        "ip daddr . th dport @services accept",
        "jump base",
        "th dport vmap { 80 : queue }",
    ],
)
def test_what_leads_nowhere_is_refused_when_it_is_met(rule):
    with pytest.raises(UnknownRule):
        run([rule], scene())


HOOKS = [
    ("type filter hook prerouting priority raw; policy accept;", -300),
    ("type filter hook prerouting priority dstnat - 10; policy drop;", -110),
    ("type nat hook output priority -100; policy accept;", -100),
    ("type nat hook postrouting priority srcnat; policy accept;", 100),
    ("type filter hook forward priority filter + 5; policy accept;", 5),
]


@pytest.mark.parametrize(("hook", "priority"), HOOKS)
def test_priorities_have_names_and_offsets(hook, priority):
    (base,) = nft_ruleset(NftTable(chains=frozenset({Chain(name="base", hook=hook)}))).bases
    assert (base.priority, base.policy) == (priority, "drop" if "drop" in hook else "accept")


@pytest.mark.parametrize(
    "hook",
    ["type filter hook ingress device lo priority 0; policy accept;", "type filter hook forward priority odd; policy accept;"],
)
def test_an_unknown_hook_is_refused(hook):
    with pytest.raises(UnknownRule):
        nft_ruleset(NftTable(chains=frozenset({Chain(name="base", hook=hook)})))


@pytest.mark.parametrize(("family", "packet", "count"), [("inet", TCP, 1), ("ip", TCP, 1), ("ip", TCP6, 0), ("ip6", TCP6, 1)])
def test_a_table_of_one_family_sees_that_family_only(family, packet, count):
    hook = "type filter hook forward priority filter; policy accept;"
    ruleset = nft_ruleset(NftTable(family=family, chains=frozenset({Chain(name="base", hook=hook)})))
    assert len(ruleset.at("forward", packet.family)) == count


def test_a_policy_decides_in_the_end():
    hook = "type filter hook forward priority filter; policy drop;"
    ruleset = nft_ruleset(NftTable(chains=frozenset({Chain(name="base", hook=hook)})))
    found = ruleset.evaluate(ruleset.bases[0], scene())
    assert (found.action.decision, found.by_policy) == ("drop", True)


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        ((IPV4, PROTOCOL, PORT), "10.96.0.21 . tcp . 80"),
        ((IFNAME,), '"cni0"'),
        ((MARK,), "0x00004000"),
    ],
)
def test_keys_are_shown_as_they_are_read(kinds, text):
    made = Index(frozenset({Element(key=text)}), kinds)
    key = next(iter(made._exact))
    assert show_key(kinds, key) == text

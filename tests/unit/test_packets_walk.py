"""Walks through a lab: as stories (golden), as the sentences of kube-proxy's behaviour, and what holds for all of them."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.kube_proxy import KubeProxy
from netlab.netstate.links import Sysctl
from netlab.netstate.nft import Chain, NftTable
from netlab.netstate.state import NetState
from netlab.packets.packet import Packet, ping
from netlab.packets.traffic import Traffic
from netlab.packets.walk import Walker
from tests.walked import (
    BALANCER,
    BOTH,
    CLIENT,
    EMPTY,
    EXTERNAL_IP,
    HOSTED,
    INSIDE,
    INTERNET,
    LOCAL,
    LOYAL,
    NODE_1,
    NODE_2,
    OUTSIDE,
    SELF,
    SERVICES,
    STICKY,
    UNALLOCATED,
    A,
    B,
    C,
    ipv6_of,
    walked,
    walked_lab,
)

GATEWAY_1, GATEWAY_2 = "10.244.1.1", "10.244.2.1"
NAMES = {A: "a", B: "b", CLIENT: "client", C: "c", HOSTED: "hosted"}


@pytest.fixture(scope="module")
def walker(build):
    return Walker(walked_lab(build))


def place(name):
    return f"demo.{name}" if name.startswith(("node", "outside")) else f"demo.default.{name}"


def packet(destination, port, protocol="tcp", **more):
    return Packet(protocol=protocol, destination=destination, destination_port=port, **{"source_port": 40000} | more)


STORIES = {
    "a_pod_to_a_pod_of_its_node": ("client", packet(A, 8080)),
    "a_pod_to_a_pod_of_another_node": ("client", packet(C, 8080)),
    "a_pod_to_a_cluster_ip": ("client", packet(BOTH, 80)),
    "a_node_to_a_cluster_ip": ("node-2", packet(SELF, 80)),
    "outside_to_a_node_port": ("outside", packet(NODE_1, 30080)),
    "a_pod_to_itself_through_its_service": ("b", packet(SELF, 80)),
    "a_service_without_endpoints_is_refused": ("client", packet(EMPTY, 80)),
    "a_port_the_service_lacks_is_refused": ("client", packet(BOTH, 81)),
    "an_address_that_is_no_service_is_dropped": ("client", packet(UNALLOCATED, 80)),
    "a_host_port_leads_to_its_pod": ("outside", packet(NODE_2, 8000)),
    "a_pod_leaves_the_cluster_as_its_node": ("client", packet(INTERNET, 443)),
    "a_virtual_ip_does_not_answer_ping": ("client", ping("", BOTH)),
    "a_pod_that_is_gone_is_no_neighbour": ("client", packet("10.244.2.77", 8080)),
    "outside_has_no_way_to_pods": ("outside", packet(A, 8080)),
    "a_packet_that_may_pass_one_router_only": ("client", packet(C, 8080, ttl=1)),
}


@pytest.mark.parametrize("name", STORIES)
def test_stories(walker, golden, name):
    start, sent = STORIES[name]
    there = walker.walk(place(start), sent)
    back = f"\nThe answer:\n\n{walker.reply(there)}" if there.verdict.is_delivered else ""
    golden(f"walks/{name}.txt", f"{there}{back}")


# who sends what; who may get it, and from whom it seems to come
BEHAVIOUR = [
    pytest.param("client", packet(BOTH, 80), {("a", CLIENT), ("c", CLIENT)}, id="a Pod to a VIP: all endpoints, source kept"),
    pytest.param("client", packet(BOTH, 53, "udp"), {("a", CLIENT), ("c", CLIENT)}, id="the same with UDP"),
    pytest.param("a", packet(BOTH, 80), {("a", GATEWAY_1), ("c", A)}, id="hairpin: masqueraded only when the Pod draws itself"),
    pytest.param(
        "node-1", packet(BOTH, 80), {("a", GATEWAY_1), ("c", NODE_1)}, id="a Node to a VIP: masqueraded, as it is no Pod"
    ),
    pytest.param("outside", packet(NODE_1, 30080), {("a", GATEWAY_1), ("c", NODE_1)}, id="outside to a NodePort: masqueraded"),
    pytest.param(
        "outside", packet(NODE_2, 30053, "udp"), {("a", NODE_2), ("c", GATEWAY_2)}, id="a NodePort of UDP, on a Node without it"
    ),
    pytest.param(
        "client", packet(NODE_2, 30080), {("a", NODE_2), ("c", GATEWAY_2)}, id="a Pod to a NodePort: masqueraded as well"
    ),
    pytest.param("node-1", packet(NODE_1, 30080), {("a", GATEWAY_1), ("c", NODE_1)}, id="a Node to its own NodePort"),
    pytest.param("client", packet(GATEWAY_1, 30080), {("node-1", CLIENT)}, id="no NodePort on other addresses of a Node"),
    pytest.param("outside", packet(NODE_2, 8000), {("hosted", OUTSIDE)}, id="a hostPort: source kept"),
    pytest.param("hosted", packet(NODE_2, 8000), {("hosted", GATEWAY_2)}, id="a hostPort: hairpin"),
    pytest.param("client", packet(NODE_1, 8000), {("node-1", CLIENT)}, id="no hostPort on another Node"),
    pytest.param("client", packet(C, 8080), {("c", CLIENT)}, id="Pods see each other as they are"),
    pytest.param("node-2", packet(A, 8080), {("a", NODE_2)}, id="a Pod sees a Node as it is"),
    pytest.param("client", packet(INTERNET, 80), {("outside", NODE_1)}, id="a Pod leaves the cluster as its Node"),
    pytest.param("client", packet(NODE_2, 22), {("node-2", CLIENT)}, id="a Node sees a Pod as it is"),
    pytest.param("client", packet(CLIENT, 22), {("client", CLIENT)}, id="a Pod to itself"),
]


BEHAVIOUR += [
    pytest.param("client", packet(LOCAL, 80), {("a", CLIENT), ("c", CLIENT)}, id="an external policy says nothing of a VIP"),
    pytest.param(
        "outside", packet(NODE_1, 30090), {("a", OUTSIDE)}, id="external Local, from outside: this Node's, source kept"
    ),
    pytest.param("outside", packet(NODE_2, 30090), {("c", OUTSIDE)}, id="and the other Node's its own"),
    pytest.param(
        "client", packet(NODE_1, 30090), {("a", CLIENT), ("c", CLIENT)}, id="external Local, from a Pod: all, source kept"
    ),
    pytest.param(
        "a", packet(NODE_2, 30090), {("a", NODE_2), ("c", A)}, id="the same at another Node, hairpin: masqueraded there"
    ),
    pytest.param("node-1", packet(NODE_1, 30090), {("a", GATEWAY_1), ("c", NODE_1)}, id="from the Node: all, masqueraded"),
    pytest.param("client", packet(INSIDE, 80), {("b", CLIENT)}, id="internal Local: this Node's"),
    pytest.param(
        "client", packet(EXTERNAL_IP, 80), {("a", GATEWAY_1), ("c", NODE_1)}, id="an external IP: masqueraded, Pods too"
    ),
    pytest.param("client", packet(BALANCER, 80), {("a", GATEWAY_1), ("c", NODE_1)}, id="a load balancer's IP: the same"),
]


@pytest.mark.parametrize(("start", "sent", "receivers"), BEHAVIOUR)
def test_who_gets_it_and_from_whom_it_seems_to_come(walker, start, sent, receivers):
    walks = list(walker.branches(place(start), sent))
    assert {one.verdict.ending for one in walks} == {"delivered"}
    assert {(one.verdict.netns, one.verdict.packet.source) for one in walks} == {(place(who), seen) for who, seen in receivers}


@pytest.mark.parametrize("family", ["ipv4", "ipv6", "dual"])
def test_a_tunnel_leads_to_the_pods_of_another_node_and_back(build, family):
    pods = (build.pod("a", node="node-1"), build.pod("c", node="node-2"))
    made = build.cluster(*pods, of=build.lab(ip_family=family, network="vxlan"))
    chosen = assign(made, Assignments())
    walker = Walker(compile_net(made, chosen))
    mine, theirs = (chosen.pods[one.key].ips for one in pods)
    for own, other in zip(mine, theirs, strict=True):
        [there] = walker.branches(place("a"), packet(other, 8080))
        [back] = walker.branches(place("c"), packet(own, 8080))
        assert (there.verdict.ending, there.verdict.netns, there.verdict.packet.source) == ("delivered", place("c"), own)
        assert (back.verdict.ending, back.verdict.netns, back.verdict.packet.source) == ("delivered", place("a"), other)
        assert "vxlan.1" in str(there)


REFUSALS = [
    pytest.param("client", packet(EMPTY, 80), "refused", id="a VIP without endpoints, from a Pod"),
    pytest.param("node-1", packet(EMPTY, 80), "refused", id="from a Node"),
    pytest.param("outside", packet(NODE_1, 30081), "refused", id="a NodePort without endpoints"),
    pytest.param("node-1", packet(NODE_1, 30081), "refused", id="a Node's own"),
    pytest.param("client", packet(BOTH, 81), "refused", id="a wrong port of a VIP"),
    pytest.param("client", packet(BOTH, 80, "sctp"), "refused", id="a wrong protocol"),
    pytest.param("client", ping("", BOTH), "refused", id="a ping of a VIP"),
    pytest.param("client", packet(UNALLOCATED, 80), "dropped", id="an address that is no Service"),
    pytest.param("node-1", packet(UNALLOCATED, 80), "dropped", id="the same from a Node"),
    pytest.param("outside", packet(NODE_2, 30093), "dropped", id="external Local, nobody here"),
    pytest.param("c", packet(INSIDE, 80), "dropped", id="internal Local, nobody here"),
    pytest.param("c", packet(BALANCER, 80), "dropped", id="a source out of the ranges"),
    pytest.param("client", packet(BALANCER, 81), "not forwarded", id="a load balancer's other ports are nobody's"),
]


@pytest.mark.parametrize(("start", "sent", "ending"), REFUSALS)
def test_refuse_or_drop(walker, start, sent, ending):
    (walk,) = walker.branches(place(start), sent)
    assert walk.verdict.ending == ending
    assert walk.verdict.answer == ("icmp port-unreachable" if ending == "refused" else "")


def test_a_refusal_names_the_owner(walker):
    (walk,) = walker.branches(place("client"), packet(EMPTY, 80))
    assert {owner for one in walk.verdict.matched for owner in one.owners} == {"default/empty"}
    assert "for default/empty" in walk.verdict.reason


def test_nobody_hears_what_a_host_throws_away(walker):
    """outside forwards nothing: an address of nobody ends there, silently."""
    walk = walker.walk(place("node-1"), packet("198.51.100.7", 80))
    assert (walk.verdict.ending, walk.verdict.netns, walk.verdict.answer) == ("not forwarded", "demo.outside", "")


def test_a_forged_source_is_thrown_away_where_it_belongs(walker):
    """Without the masquerading of hairpins a Pod would be sent packets of its own."""
    walk = walker.walk(place("client"), packet(A, 80, source=A))
    assert (walk.verdict.ending, walk.verdict.netns) == ("martian", "demo.default.a")


def test_a_router_without_a_route_says_so(build):
    net = walked_lab(build)
    cut = {
        replace(item, routes=frozenset(one for one in item.routes if one.destination != "default"))
        for item in net.namespaces
        if item.table
    }
    walker = Walker(NetState(namespaces=frozenset(cut | {item for item in net.namespaces if not item.table})))
    walk = walker.walk(place("client"), packet(INTERNET, 80))
    assert (walk.verdict.ending, walk.verdict.netns, walk.verdict.answer) == ("no route", "demo.node-1", "icmp net-unreachable")


def test_a_connection_keeps_its_endpoint(walker):
    """NAT is decided by the first packet: a later draw does not ask again."""
    sent = packet(BOTH, 80)
    first = walker.walk(place("client"), sent, choose=lambda _: 1)
    again = walker.walk(place("client"), first.packet, choose=lambda _: 0, traffic=first.traffic)
    assert first.verdict.packet == again.verdict.packet
    assert again.verdict.packet.destination == C


def test_two_clients_with_the_same_port_are_told_apart_behind_one_address(walker):
    one = walker.walk(place("client"), packet(INTERNET, 80))
    two = walker.walk(place("a"), packet(INTERNET, 80), traffic=one.traffic)
    assert [walk.verdict.packet.source_port for walk in (one, two)] == [40000, 40001]
    assert [walker.reply(replace(walk, traffic=two.traffic)).verdict.netns for walk in (one, two)] == [
        place("client"),
        place("a"),
    ]


def test_marks_do_not_leave_their_namespace(walker):
    """node-1 marks what comes by its NodePort; node-2, which the packet passes next, must not masquerade it again."""
    walks = walker.branches(place("outside"), packet(NODE_1, 30080))
    (far,) = (walk for walk in walks if walk.verdict.netns == place("c"))
    masqueraders = {hop.netns for hop in far.hops for one in hop.matched if "masquerade" in one.rule}
    assert masqueraders == {"demo.node-1"}


def test_a_client_keeps_its_endpoint(walker):
    """Session affinity: for all addresses of a Service port, and for that one alone."""
    first = walker.walk(place("client"), packet(STICKY, 80), choose=lambda _: 1)
    chosen = first.verdict.packet.destination
    for sent in (packet(STICKY, 80, source_port=40001), packet(NODE_1, 30091)):
        (again,) = walker.branches(place("client"), sent, traffic=first.traffic)
        assert again.verdict.packet.destination == chosen
    assert len(list(walker.branches(place("client"), packet(LOYAL, 80), traffic=first.traffic))) == 2
    assert len(list(walker.branches(place("b"), packet(STICKY, 80), traffic=first.traffic))) == 2


def test_an_answer_may_pass_by_the_translation(walker):
    """A Pod that asks another Node for a policy Local is answered directly if the endpoint is on its own Node.

    Its source is kept, as kube-proxy does it with a clusterCIDR that holds the Pods of all Nodes.
    """
    there = walker.walk(place("client"), packet(NODE_2, 30093))
    assert (there.verdict.netns, there.verdict.packet.source) == (place("b"), CLIENT)
    back = walker.reply(there).verdict
    assert (back.netns, back.packet.source) == (place("client"), B)


@pytest.fixture(scope="module")
def dual(build):
    """The same lab in both families: its walker, and the IPv6 address of what has an IPv4 one."""
    cluster, assigned = walked(build, ip_family="dual")
    return Walker(compile_net(cluster, assigned)), ipv6_of(assigned)


@pytest.mark.parametrize(("start", "sent", "receivers"), [row for row in BEHAVIOUR if row.values[1].destination != BALANCER])
def test_ipv6_is_no_different(dual, start, sent, receivers):
    walker, ipv6 = dual
    walks = list(walker.branches(place(start), replace(sent, destination=ipv6[sent.destination])))
    assert {one.verdict.ending for one in walks} == {"delivered"}
    expected = {(place(who), ipv6[seen]) for who, seen in receivers}
    assert {(one.verdict.netns, one.verdict.packet.source) for one in walks} == expected
    if sent.destination_port != 30093:
        assert {walker.reply(one).verdict.packet for one in walks} == {walks[0].packet.answer}


IPV6_LOSSES = [
    pytest.param("client", packet("fd00:10:244:2::77", 80), "no neighbour", "icmpv6 addr-unreachable", id="a Pod that is gone"),
    pytest.param(
        "node-1", packet("2001:db8:9::1", 80), "no route", "icmpv6 no-route", id="a host looks for a route before it asks"
    ),
    pytest.param("client", packet("fd00:10:244:9::9", 80), "no route", "", id="who has no way back cannot tell"),
    pytest.param("client", packet("fd00:10:244:2::2", 80, ttl=1), "expired", "icmpv6 time-exceeded", id="the hop limit"),
]


@pytest.mark.parametrize(("start", "sent", "ending", "answer"), IPV6_LOSSES)
def test_errors_of_ipv6(dual, start, sent, ending, answer):
    verdict = dual[0].walk(place(start), sent).verdict
    assert (verdict.ending, verdict.answer) == (ending, answer)


@pytest.fixture(scope="module")
def iptables(build):
    return Walker(walked_lab(build, kube_proxy=KubeProxy(mode="iptables")))


@pytest.mark.parametrize(("start", "sent", "receivers"), BEHAVIOUR)
def test_iptables_mode_is_no_different(iptables, start, sent, receivers):
    if (sent.destination, sent.destination_port) == (GATEWAY_1, 30080):
        receivers = {("a", GATEWAY_1), ("c", NODE_1)}  # but that NodePorts are open at all addresses of a Node
    walks = list(iptables.branches(place(start), sent))
    assert {(one.verdict.netns, one.verdict.packet.source) for one in walks} == {(place(who), seen) for who, seen in receivers}


@pytest.mark.parametrize("name", ["a_pod_to_a_cluster_ip", "a_service_without_endpoints_is_refused"])
def test_stories_of_iptables(iptables, golden, name):
    start, sent = STORIES[name]
    golden(f"walks/{name}_by_iptables.txt", str(iptables.walk(place(start), sent)))


def test_every_choice_is_a_branch(walker):
    walks = list(walker.branches(place("client"), packet(BOTH, 80)))
    assert sorted(NAMES[walk.verdict.packet.destination] for walk in walks) == ["a", "c"]
    assert len(list(walker.branches(place("client"), packet(SELF, 80)))) == 1


def test_hops_carry_all_that_a_trace_shows(walker):
    walk = walker.walk(place("client"), packet(BOTH, 80))
    hop = next(one for one in walk.hops if one.stage == "prerouting")
    assert (hop.netns, hop.iif, hop.oif, hop.state) == ("demo.node-1", "cni0", "", "new")
    assert (hop.before.destination, hop.after.destination) == (BOTH, A)
    assert {"nat-prerouting", "services"} <= {one.chain for one in hop.matched}
    assert {owner for one in hop.matched for owner in one.owners} == {"default/both:http"}
    assert hop.matched[-1].elements[-1].value == f"{A} . 8080"
    stages = [one.stage for one in walk.hops if one.netns == "demo.node-1" and one.stage != "link"]
    assert stages == ["prerouting", "routing", "forward", "postrouting"]


FILTERS = [
    pytest.param("prerouting", "dstnat - 10", BOTH, id="before translation the VIP is seen"),
    pytest.param("prerouting", "dstnat + 10", A, id="after it the endpoint"),
    pytest.param("forward", "filter", A, id="and so when it is forwarded"),
]


@pytest.mark.parametrize(("hook", "priority", "seen"), FILTERS)
def test_priorities_order_filters_and_translation(build, hook, priority, seen):
    net = walked_lab(build)
    extra = Chain(
        name="extra", hook=f"type filter hook {hook} priority {priority}; policy accept;", rules=(f"ip daddr {seen} drop",)
    )

    def with_filter(item):
        return item if item.table is None else replace(item, table=replace(item.table, chains=item.table.chains | {extra}))

    walker = Walker(NetState(namespaces=frozenset(with_filter(item) for item in net.namespaces)))
    verdict = walker.walk(place("client"), packet(BOTH, 80)).verdict
    assert (verdict.ending, verdict.matched[-1].chain, verdict.packet.destination) == ("dropped", "extra", seen)


def test_a_namespace_without_rules_that_need_it_does_not_track(build):
    net = walked_lab(build)
    plain = NftTable(chains=frozenset({Chain(name="all", hook="type filter hook forward priority filter; policy drop;")}))
    bare = (item if item.table is None else replace(item, table=plain) for item in net.namespaces)
    walk = Walker(NetState(namespaces=frozenset(bare))).walk(place("client"), packet(A, 80))
    assert (walk.verdict.reason, walk.traffic) == ("demo.node-1 tells nobody, by the policy of all", Traffic())


def test_masquerading_needs_an_address(build):
    """As nf_nat_masquerade: a packet for which there is none is dropped."""
    net = walked_lab(build)
    nameless = (replace(item, addresses=frozenset()) if item.table else item for item in net.namespaces)
    start, sent = "demo.node-1", packet(INTERNET, 443, source=CLIENT)
    walk = Walker(NetState(namespaces=frozenset(nameless))).walk(start, sent)
    assert (walk.verdict.ending, walk.verdict.netns) == ("dropped", start)
    assert "no address to masquerade it with" in walk.verdict.reason


def test_forwarding_can_be_off(build):
    net = walked_lab(build)
    off = Sysctl(key="net.ipv4.ip_forward", value="0")
    still = (replace(item, sysctls=frozenset({off})) for item in net.namespaces)
    walk = Walker(NetState(namespaces=frozenset(still))).walk(place("client"), packet(A, 80))
    assert (walk.verdict.ending, walk.verdict.netns) == ("not forwarded", "demo.node-1")


PLACES = [place(name) for name in ("a", "b", "client", "c", "hosted", "node-1", "node-2", "outside")]
NOWHERE = [UNALLOCATED, "10.244.9.9", "8.8.8.8", "127.0.0.1"]
TARGETS = [*SERVICES, EXTERNAL_IP, BALANCER, NODE_1, NODE_2, GATEWAY_1, A, B, C, OUTSIDE, INTERNET, *NOWHERE]
PACKETS = st.builds(
    Packet,
    protocol=st.sampled_from(["tcp", "udp", "sctp"]),
    destination=st.sampled_from(TARGETS),
    source_port=st.integers(1, 65535),
    destination_port=st.sampled_from([80, 53, 81, 8000, 8080, 30080, 30053, 30081, 30091]) | st.integers(1, 29999),
    ttl=st.integers(1, 64),
)


@settings(max_examples=300)
@given(start=st.sampled_from(PLACES), sent=PACKETS)
def test_every_walk_ends_and_every_answer_comes_home(walker, start, sent):
    """The answer arrives where the packet was sent, and carries the addresses that the sender used.

    But for those of test_an_answer_may_pass_by_the_translation, whose NodePorts are left out.
    """
    for walk in walker.branches(start, sent):
        assert sum(hop.stage == "link" for hop in walk.hops) <= sent.ttl + 1
        assert walk.verdict.reason
        assert str(walk).endswith("\n")
        if walk.verdict.is_delivered:
            back = walker.reply(walk).verdict
            assert (back.ending, back.netns, back.packet) == ("delivered", start, walk.packet.answer)


@settings(max_examples=30)
@given(sent=st.lists(st.tuples(st.sampled_from(PLACES), PACKETS), min_size=2, max_size=12))
def test_answers_find_home_whatever_else_is_on_the_way(walker, sent):
    """Also when all connections are under way at once, in one table of conntrack per Node."""
    traffic, walks = Traffic(), []
    for start, one in {(start, str(one)): (start, one) for start, one in sent}.values():
        walks.append(walker.walk(start, one, traffic=traffic))
        traffic = walks[-1].traffic
    for walk in walks:
        if walk.verdict.is_delivered:
            back = walker.reply(replace(walk, traffic=traffic)).verdict
            assert (back.ending, back.netns, back.packet) == ("delivered", walk.netns, walk.packet.answer)

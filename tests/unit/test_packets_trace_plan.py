"""Where a trace looks for a request, and what explains what it sees: rows over the lab of tests/walked.py."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.kube_proxy import KubeProxy
from netlab.netstate.links import Veth
from netlab.netstate.names import IfName, NetnsName
from netlab.netstate.nft import Chain, NftTable
from netlab.netstate.rule_trace import Rules
from netlab.netstate.seen import Place
from netlab.netstate.state import NetState
from netlab.packets import trace_plan
from netlab.packets.joining import Call
from netlab.packets.packet import Packet
from netlab.packets.steps import Step
from netlab.packets.trace_plan import filter_words, matched_elements, peers_among, plan_for, untold_rules
from tests.walked import BALANCER, BOTH, CLIENT, EMPTY, NODE_1, A, C, walked, walked_lab

CANARY = "ether proto 0x88b5"
OUTSIDE = NetnsName("demo.outside")
NAT = Rules("inet", "netlab", "services")
SENDER = NetnsName("demo.default.client")


def tcp(destination: str, port: int) -> Packet:
    return Packet(protocol="tcp", destination=destination, source_port=40000, destination_port=port)


def plan(net: NetState, packet: Packet, netns: NetnsName = SENDER):
    return plan_for(net, netns, packet, "netlab-trace-7", CANARY)


def shown(net: NetState, places) -> set[str]:
    """Places without the lab's name; the port of a Pod as `port of POD`."""
    ports = {
        Place(item.name, link.name): f"port of {link.peer_netns.rpartition('.')[2]}"
        for item in net.namespaces
        for link in item.links
        if isinstance(link, Veth) and link.master and link.peer_name == "eth0"
    }
    return {ports.get(one) or f"{one.netns.rpartition('.')[2]}/{one.ifname}" for one in places}


ASKING, OUTER = {"client/eth0", "client/lo", "port of client"}, {"outside/eth0", "outside/lo", "port of outside"}
TO_A = {"port of a", "a/eth0", "a/lo"}
NODE_TO_NODE = {"node-1/cni0", "node-1/eth0", "port of node-1", "port of node-2", "node-2/eth0", "node-2/cni0"}
TO_C = {"port of c", "c/eth0", "c/lo"}


@pytest.mark.parametrize(
    ("netns", "packet", "places"),
    [
        pytest.param(SENDER, tcp(A, 8080), ASKING | {"node-1/cni0"} | TO_A, id="to a Pod of its Node: by the bridge"),
        pytest.param(
            SENDER, tcp(BOTH, 80), ASKING | {"node-1/cni0"} | TO_A | NODE_TO_NODE | TO_C,
            id="to a Service: to each endpoint",
        ),
        pytest.param(
            SENDER, tcp(EMPTY, 80), ASKING - {"client/lo"} | {"node-1/cni0", "node-1/eth0"},
            id="what a rule refuses: as far as that, and where the route leads",
        ),
        pytest.param(
            OUTSIDE, tcp(NODE_1, 30080), OUTER | NODE_TO_NODE | TO_A | TO_C,
            id="from outside through one Node to the other",
        ),
        pytest.param(SENDER, tcp(CLIENT, 8080), {"client/lo"}, id="to itself"),
    ],
)  # fmt: skip
def test_where_is_looked(build, netns, packet, places):
    net = walked_lab(build)
    found = plan(net, packet, netns)
    assert shown(net, found.places) == places
    assert {one.netns for one in found.places} <= found.tables.keys() <= {one.name for one in net.namespaces}


def test_where_no_walk_is_known_everything_is_looked_at(build):
    """Somebody's rule of which the walk knows no meaning."""
    rules = ("osf name Linux",)
    strange = NftTable(chains=frozenset({Chain(name="c", hook="type filter hook output priority 0", rules=rules)}))
    net = walked_lab(build)
    net = NetState(namespaces=frozenset(replace(one, table=strange) for one in net.namespaces))
    found = plan(net, tcp(A, 8080))
    assert (found.walks, found.tables) == ((), {})
    assert set(found.places) == {Place(item.name, link.name) for item in net.namespaces for link in item.links}


def test_where_there_are_more_choices_than_are_walked_everything_is_looked_at(build, monkeypatch):
    """The Service has two endpoints, and either may be drawn."""
    net = walked_lab(build)
    everywhere = {Place(item.name, link.name) for item in net.namespaces for link in item.links}
    for most, is_all in ((1, True), (2, False)):
        monkeypatch.setattr(trace_plan, "MOST_WALKS", most)
        assert (set(plan(net, tcp(BOTH, 80)).places) >= everywhere) == is_all


def test_what_carries_others_through_a_tunnel_is_looked_at_too(build):
    pods = (build.pod("client", node="node-1"), build.pod("c", node="node-2"))
    made = build.cluster(*pods, of=build.lab(network="vxlan"))
    chosen = assign(made, Assignments())
    net = compile_net(made, chosen)
    found = plan(net, tcp(chosen.pods[pods[1].key].ips[0], 8080))
    assert {"node-1/vxlan.1", "node-1/eth0", "port of node-1", "port of node-2", "node-2/eth0", "node-2/vxlan.1"} <= shown(
        net, found.places
    )


def test_only_veths_both_of_whose_ends_are_looked_at_are_peers(build):
    net = walked_lab(build)
    places = plan(net, tcp(C, 8080)).places
    peers = peers_among(net, places)
    assert shown(net, places) - shown(net, peers) == {"client/lo", "c/lo", "node-1/cni0", "node-2/cni0"}
    assert all(peers[peers[one]] == one for one in peers)
    lonely = [one for one in places if one != Place(SENDER, IfName("eth0"))]
    assert shown(net, peers) - shown(net, peers_among(net, lonely)) == {"client/eth0", "port of client"}


def test_a_veth_that_sends_more_than_its_peer_takes_is_looked_at_itself(build):
    """What it sends then is received by nobody."""
    net = walked_lab(build)
    places = plan(net, tcp(C, 8080)).places
    larger = replace(
        net,
        namespaces=tuple(
            replace(item, links=tuple(replace(one, mtu=9000) if isinstance(one, Veth) else one for one in item.links))
            if item.name == SENDER
            else item
            for item in net.namespaces
        ),
    )
    found = shown(net, peers_among(net, places)) - shown(net, peers_among(larger, places))
    assert found == {"client/eth0", "port of client"}


@pytest.mark.parametrize(
    ("protocol", "ports", "last"),
    [
        pytest.param("tcp", {80, 40000}, " or (tcp and (port 80 or port 40000))", id="its ports"),
        pytest.param("udp", {0, 53}, " or (udp and (port 53))", id="a port that nobody knows yet is none"),
        pytest.param("icmp", {8}, "& 0x1fff != 0", id="a ping has none: all of ICMP passes"),
    ],
)
def test_filter(protocol, ports, last):
    (words,) = filter_words(protocol, ports, CANARY)
    assert words.startswith(f"arp or icmp or icmp6 or {CANARY} or ")
    assert words.endswith(last)


def test_the_elements_are_those_of_the_walk_that_ends_as_it_was_seen_to(build):
    """The Service has two endpoints; the chosen one is known by what the packet has become."""
    walks = plan(walked_lab(build), tcp(BOTH, 80)).walks
    call = Call(
        netns=NetnsName("demo.node-1"), hook="prerouting", where=NAT, identity=(), packet=None, events=()
    )  # fmt: skip
    for endpoint in (A, C):
        (hop,) = {
            hop.after: hop
            for walk in walks
            for hop in walk.hops
            if hop.stage == "prerouting" and hop.after.destination == endpoint
        }.values()
        found = [str(one) for elements in matched_elements(walks, call, hop.after).values() for one in elements]
        assert any(endpoint in one for one in found), found
        assert not any(({A, C} - {endpoint}).pop() in one for one in found), found
    assert matched_elements((), call, hop.after) == {}


def test_the_elements_of_a_second_draw_are_found_though_the_first_machine_has_drawn_a_port(build):
    """A load balancer outside draws a Node and masquerades, the Node draws an endpoint; each Node is also on others' ways."""
    spec = {"type": "LoadBalancer", "load_balancer_ip": BALANCER, "load_balancer_source_ranges": ("172.18.0.0/16",)}
    made = build.cluster(
        build.pod("a", node="node-1"), build.pod("c", node="node-2"), build.service("web", build.port(80, 8080), **spec),
        of=build.lab("node-1", "node-2", load_balancer_ip_mode="Proxy"),
    )  # fmt: skip
    walks = plan(compile_net(made, assign(made, Assignments())), tcp(BALANCER, 80), OUTSIDE).walks
    drawing = [
        hop
        for walk in walks
        for hop in walk.hops
        if hop.stage == "prerouting" and hop.after.destination_port == 8080 and hop.before != hop.after
    ]
    assert len({(hop.before.destination, hop.after.destination) for hop in drawing}) == 4  # two Nodes, two endpoints
    for hop in drawing:
        seen, after = (replace(side, source_port=61234) for side in (hop.before, hop.after))
        call = Call(netns=hop.netns, hook="prerouting", where=NAT, identity=(), packet=seen, events=())
        [way, end] = [one for elements in matched_elements(walks, call, after).values() for one in elements]
        assert way.key == f"{seen.destination} . tcp . {seen.destination_port}"
        assert end.key.startswith(f"{way.key} . ")
        assert end.value == f"{after.destination} . 8080"
        assert matched_elements(walks, call, seen)  # as the chains before the draw find it
        assert not matched_elements(walks, call, replace(after, destination="10.244.9.9"))


def test_what_iptables_legacy_does_is_told_by_the_walk(build):
    """The kernel tells of none of its rules: those are shown that make of the packet what it was seen to become."""
    made, assignments = walked(build, kube_proxy=KubeProxy(mode="iptables"))
    walks = plan(compile_net(made, assignments), tcp(BOTH, 80)).walks
    node = NetnsName("demo.node-1")
    hop = next(one for walk in walks for one in walk.hops if one.stage == "prerouting" and one.before != one.after)
    step = Step(netns=node, kind="prerouting", packet=hop.before, after=hop.after)
    rules = untold_rules(walks, {node}, step)
    assert [one.where.table for one in rules] == ["nat"] * len(rules)
    assert rules[-1].text.endswith(f"--to-destination {hop.after.destination}:8080")
    assert untold_rules(walks, {node}, replace(step, after=hop.before)) == ()
    assert untold_rules(walks, (), step) == ()


def test_a_masqueraded_packet_is_known_though_chance_has_drawn_its_port(build):
    made, assignments = walked(build, kube_proxy=KubeProxy(mode="iptables"))
    walks = plan(compile_net(made, assignments), tcp(NODE_1, 30080), OUTSIDE).walks
    hop = next(one for walk in walks for one in walk.hops if one.stage == "postrouting" and one.before != one.after)
    drawn = replace(hop.after, source_port=61234)
    step = Step(netns=hop.netns, kind="postrouting", packet=hop.before, after=drawn)
    assert any("MASQUERADE" in one.text for one in untold_rules(walks, {hop.netns}, step))

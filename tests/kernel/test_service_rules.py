"""The rules of all modes under real packets: balancing, hairpin, NodePorts, UDP, refusal, affinity, masquerade (N4, N7).

The lab is built by hand from what `compile_net` wishes (tests/rules_lab.py): node-1 with Pods a, b and client, node-2 with Pod c,
the fabric, and outside. It is built once for each mode, and once with a Node of each.
"""

from __future__ import annotations

import os
import re
import socket
from collections import Counter
from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.kernel import netns
from netlab.kernel.iptables_listing import parse_save
from netlab.kernel.nft_listing import parse_table
from netlab.model.kube_proxy import KubeProxy
from netlab.model.lab import NodeTemplate
from tests.rules_lab import LAB, ask, inside, run, served

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

IP = {"a": "10.244.1.2", "b": "10.244.1.3", "client": "10.244.1.4", "c": "10.244.2.2"}
NODE = {"node-1": "172.18.0.2", "node-2": "172.18.0.3"}
OUTSIDE, INTERNET = "172.18.0.1", "203.0.113.1"
BOTH, SELF, EMPTY, DATAGRAM, STICKY, NEAR, NOBODY = (f"10.96.0.{n}" for n in (21, 22, 23, 24, 25, 26, 99))
MODES = {
    "nftables": ("nftables", "nftables", "nft"),
    "iptables": ("iptables", "iptables", "nft"),
    "iptables-legacy": ("iptables", "iptables", "legacy"),
    "mixed": ("iptables", "nftables", "nft"),
}
REFUSED_WITHIN_S, DROPPED_AFTER_S = 1.0, 0.3

# Sees what leaves after all netlab has done, and (the canary) what comes to it: that the mark was there, and is gone.
WATCH = """table inet watch {
	chain before {
		type filter hook postrouting priority 50
		meta mark & 0x4000 != 0 counter
	}
	chain after {
		type filter hook postrouting priority 300
		meta mark & 0x4000 != 0 counter
	}
}
"""


def wishes(build, mode):
    *modes, variant = MODES[mode]
    templates = [NodeTemplate(name=name, kube_proxy_mode=own) for name, own in zip(NODE, modes, strict=True)]
    made = build.lab(name=LAB, kube_proxy=KubeProxy(iptables_variant=variant))
    tcp = build.port(80, 8080, "http", node_port=30080)
    udp = build.port(53, 5353, "dns", "UDP", node_port=30053)
    nothing = build.port(80, name="http", node_port=30081), build.port(53, 5353, "dns", "UDP")
    near = build.port(80, 8080, node_port=30082)
    made = build.cluster(
        build.pod("a", app="both", node="node-1"),
        build.pod("b", app="self", node="node-1"),
        build.pod("client", app="", node="node-1"),
        build.pod("c", app="both", node="node-2"),
        build.service("both", tcp, udp, app="both", type="NodePort", cluster_ip=BOTH),
        build.service("self", build.port(80, 8080), app="self", cluster_ip=SELF),
        build.service("empty", *nothing, app="none", type="NodePort", cluster_ip=EMPTY),
        build.service("far", build.port(53, 5353, protocol="UDP"), app="both", cluster_ip=DATAGRAM),
        build.service("sticky", build.port(80, 8080), app="both", session_affinity="ClientIP", cluster_ip=STICKY),
        build.service("near", near, app="both", type="NodePort", external_traffic_policy="Local", cluster_ip=NEAR),
        of=replace(made, spec=replace(made.spec, nodes=tuple(templates))),
    )
    assigned = assign(made, Assignments())
    found = {key.name: bound.ips[0] for key, bound in assigned.pods.items()}
    assert (found, {name: item.ip for name, item in assigned.nodes.items()}) == (IP, NODE)
    return compile_net(made, assigned).by_name


@pytest.fixture(scope="module", params=MODES)
def mode(request):
    """How the Nodes do what kube-proxy does."""
    return request.param


@pytest.fixture(scope="module")
def state(build, mode):
    """The whole lab, served, and taken away again. One for all tests of a mode: they only send packets."""
    found = wishes(build, mode)
    with served(found, ["default.a", "default.b", "default.c", "outside"]):
        yield found


def uses_iptables(place: str, mode: str) -> bool:
    """Whether packets from there first meet a Node in iptables mode."""
    return MODES[mode][0 if place in {"node-1", "default.client"} else 1] == "iptables"


def test_every_rule_and_declaration_is_printed_as_it_was_written(state):
    """What is observed is compared as text with what is desired, so this is the ground the whole comparison stands on."""
    for place in NODE:
        written = state[f"{LAB}.{place}"].table
        for rules in state[f"{LAB}.{place}"].iptables:
            assert str(parse_save(inside(place, f"{rules.program}-save"), rules.variant, rules.family).ours) == str(rules)
        if written is None:
            continue
        listing = inside(place, "nft", "-s", "list", "table", "inet", "netlab")
        assert parse_table(listing) == written
        assert _without_elements(listing) == _without_elements(str(written))


def _without_elements(text: str) -> list[str]:
    """The blocks of a table, sorted, as nft prints sets and maps before chains, each in the order they were made."""
    return sorted(re.sub(r"\n\t\telements = \{.*?\}(?=\n)", "", text, flags=re.DOTALL).split("\n\n"))


def test_pods_reach_a_cluster_ip_balanced_and_keep_their_address(state):
    answers = [ask("default.client", BOTH, 80) for _ in range(200)]
    counts = Counter(who for who, _ in answers)
    assert set(counts) == {"a", "c"}
    assert min(counts.values()) > 50, counts  # of 200 fair tosses, once in 10^12 runs
    assert {seen for _, seen in answers} == {IP["client"]}


def test_udp_is_balanced_too(state):
    answers = [ask("default.client", DATAGRAM, 53, socket.SOCK_DGRAM) for _ in range(60)]
    assert {who for who, _ in answers} == {"a", "c"}
    assert {seen for _, seen in answers} == {IP["client"]}


def test_a_pod_reaches_itself_through_its_service_and_sees_its_node(state):
    assert ask("default.b", SELF, 80) == ("b", "10.244.1.1")


def test_a_pod_may_draw_itself_or_another(state):
    answers = {ask("default.a", BOTH, 80) for _ in range(60)}
    assert answers == {("a", "10.244.1.1"), ("c", IP["a"])}


def test_a_node_reaches_a_cluster_ip(state):
    answers = {ask("node-1", BOTH, 80) for _ in range(60)}
    assert answers == {("a", "10.244.1.1"), ("c", NODE["node-1"])}


@pytest.mark.parametrize("place", ["outside", "default.client", "default.a", "node-1", "node-2"])
@pytest.mark.parametrize("node", NODE)
@pytest.mark.parametrize(("port", "kind"), [(30080, socket.SOCK_STREAM), (30053, socket.SOCK_DGRAM)], ids=["tcp", "udp"])
def test_a_node_port_is_open_on_every_node_and_hides_the_client(state, place, node, port, kind):
    answers = [ask(place, NODE[node], port, kind) for _ in range(40)]
    assert {who for who, _ in answers} == {"a", "c"}
    assert not {seen for _, seen in answers} & {OUTSIDE, *IP.values()}


REFUSALS = [
    pytest.param("default.client", EMPTY, 80, id="a Pod: no endpoints"),
    pytest.param("node-1", EMPTY, 80, id="a Node: no endpoints"),
    pytest.param("default.client", BOTH, 81, id="a Pod: a port the Service lacks"),
    pytest.param("node-1", BOTH, 81, id="a Node: a port the Service lacks"),
    pytest.param("outside", NODE["node-1"], 30081, id="outside: a NodePort without endpoints"),
    pytest.param("default.client", NODE["node-2"], 30081, id="a Pod: another Node's NodePort without endpoints"),
    pytest.param("default.client", NODE["node-1"], 30081, id="a Pod: its Node's NodePort without endpoints"),
    pytest.param("node-1", NODE["node-1"], 30081, id="a Node: its own NodePort without endpoints"),
]


@pytest.mark.parametrize(("place", "ip", "port"), REFUSALS)
def test_refused_at_once(state, mode, place, ip, port):
    """But for the wrong port of a ClusterIP in iptables mode: that is nobody's, as with kube-proxy."""
    if port == 81 and uses_iptables(place, mode):
        assert_not_answered(place, ip, port)
        return
    with pytest.raises(ConnectionRefusedError):
        ask(place, ip, port, timeout_s=REFUSED_WITHIN_S)


@pytest.mark.parametrize(
    ("place", "error"),
    [
        pytest.param("default.client", ConnectionRefusedError, id="a Pod hears ICMP"),
        # Linux tells the sender itself when its datagram is taken in the output hook; kube-proxy's clients see the same.
        pytest.param("node-1", PermissionError, id="a Node's own send fails"),
    ],
)
def test_udp_is_refused_at_once(state, place, error):
    with pytest.raises(error):
        ask(place, EMPTY, 53, socket.SOCK_DGRAM, timeout_s=REFUSED_WITHIN_S)


def assert_not_answered(place: str, ip: str, port: int) -> None:
    """Assert that a packet was dropped, or in iptables mode went the default way. The same client is answered (law 8)."""
    ask(place, BOTH, 80)
    with pytest.raises(TimeoutError):
        ask(place, ip, port, timeout_s=DROPPED_AFTER_S)


@pytest.mark.parametrize("place", ["default.client", "node-1"])
def test_an_address_that_is_no_service_is_not_answered(state, place):
    assert_not_answered(place, NOBODY, 80)


@pytest.mark.parametrize("place", ["default.client", "default.c", "node-1"])
def test_a_client_keeps_its_endpoint(state, place):
    """Of 40 fair tosses all would be the same once in 10^11 runs."""
    assert len({ask(place, STICKY, 80)[0] for _ in range(40)}) == 1


def test_outside_keeps_its_address_where_the_policy_is_local(state):
    for node, here in zip(NODE, "ac", strict=True):
        assert {ask("outside", NODE[node], 30082) for _ in range(20)} == {(here, OUTSIDE)}


@pytest.mark.parametrize(("place", "seen"), [("default.client", {IP["client"]}), ("node-1", {"10.244.1.1", NODE["node-1"]})])
def test_pods_and_the_node_itself_are_spared_the_policy_local(state, place, seen):
    answers = {ask(place, NODE["node-1"], 30082) for _ in range(60)}
    assert {who for who, _ in answers} == {"a", "c"}
    assert {address for _, address in answers} == seen


def test_node_ports_are_open_at_the_addresses_of_the_mode(state, mode):
    """All of the Node's, its loopback too, in iptables mode; in nftables mode its own address alone."""
    for ip in ("127.0.0.1", "10.244.1.1"):
        if uses_iptables("node-1", mode):
            assert {ask("node-1", ip, 30080)[0] for _ in range(40)} == {"a", "c"}
        else:
            with pytest.raises(ConnectionRefusedError):
                ask("node-1", ip, 30080)


def test_nobody_else_reaches_the_loopback_of_a_node(state, mode):
    """The price of NodePorts there is that Linux routes 127.0.0.1; KUBE-FIREWALL keeps others out."""
    server = netns.in_namespace(f"{LAB}.node-1", lambda: socket.create_server(("127.0.0.1", 8081)))
    run("ip", "-n", f"{LAB}.node-2", "route", "add", "127.0.0.2/32", "via", NODE["node-1"])
    inside("node-2", "sysctl", "-q", "-w", "net.ipv4.conf.all.route_localnet=1")
    try:
        assert netns.in_namespace(f"{LAB}.node-1", lambda: socket.create_connection(("127.0.0.1", 8081))).close() is None
        with pytest.raises(TimeoutError):
            ask("node-2", "127.0.0.2", 8081, timeout_s=DROPPED_AFTER_S)
    finally:
        server.close()


def test_outside_reaches_neither_cluster_ips_nor_pods(state):
    """N7."""
    for ip, port in ((BOTH, 80), (IP["a"], 8080)):
        with pytest.raises(OSError, match="Network is unreachable"):
            ask("outside", ip, port)


def test_pods_see_each_other_as_they_are(state):
    """N19."""
    assert ask("default.client", IP["a"], 8080) == ("a", IP["client"])
    assert ask("default.client", IP["c"], 8080) == ("c", IP["client"])
    assert ask("node-2", IP["a"], 8080) == ("a", NODE["node-2"])


@pytest.mark.parametrize("ip", [OUTSIDE, INTERNET])
def test_a_pod_leaves_the_cluster_as_its_node(state, ip):
    assert ask("default.client", ip, 8080) == ("outside", NODE["node-1"])
    assert ask("default.c", ip, 8080) == ("outside", NODE["node-2"])


def test_the_mark_is_gone_when_its_work_is_done(state):
    inside("node-1", "nft", "-f", "-", stdin=WATCH)
    ask("outside", NODE["node-1"], 30080)
    seen = inside("node-1", "nft", "list", "table", "inet", "watch")
    before, after = (int(number) for number in re.findall(r"counter packets (\d+)", seen))
    assert (before > 0, after) == (True, 0), seen

"""Traffic policies, session affinity, load balancers and externalIPs under real packets, in both modes and both IP families.

node-1 with Pods a and client, node-2 with Pod c, the fabric, and outside; a and c are behind every Service but `far` and `near`,
which have only c.
"""

from __future__ import annotations

import os

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.kube_proxy import KubeProxy
from netlab.netstate.state import Namespace
from netlab.plan.iptables import restore_input
from netlab.plan.nft import table_change
from tests.rules_lab import LAB, ask, inside, served

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

DROPPED_AFTER_S = 0.5
DRAWS = 40  # of two endpoints; all the same once in 10^11 runs
LOCAL, FAR, STICKY, OPEN = 30081, 30082, 30083, 30084
FAMILIES = ("IPv4", "IPv6")


def objects(build, *, pods=("a", "c")):
    local, dual = {"external_traffic_policy": "Local"}, {"ip_family_policy": "RequireDualStack"}
    nodes = {"a": "node-1", "c": "node-2"}
    return (
        *(build.pod(name, app="both", node=nodes[name], hostname=name) for name in pods),
        build.pod("client", app="", node="node-1"),
        build.pod("far-c", app="far", node="node-2"),
        build.service("local", build.port(80, 8080, node_port=LOCAL), app="both", type="NodePort", **local, **dual),
        build.service("far", build.port(80, 8080, node_port=FAR), app="far", type="NodePort", **local, **dual),
        build.service("near", build.port(80, 8080), app="far", internal_traffic_policy="Local", **dual),
        build.service(
            "sticky", build.port(80, 8080, node_port=STICKY), app="both", type="NodePort", session_affinity="ClientIP", **dual
        ),
        build.service(
            "lb",
            build.port(80, 8080, node_port=OPEN),
            app="both",
            type="LoadBalancer",
            load_balancer_source_ranges=("203.0.113.0/24", "2001:db8::/64"),
            **dual,
        ),
        build.service("extern", build.port(80, 8080), app="both", external_ips=("198.51.100.80", "2001:db8:80::80"), **dual),
    )


class Address:
    """All addresses of the lab in one family."""

    def __init__(self, chosen: Assignments, family: str) -> None:
        mine = 0 if family == "IPv4" else 1
        self.pods = {key.name: bound.ips[mine] for key, bound in chosen.pods.items()}
        self.nodes = {name: node.ips[mine] for name, node in chosen.nodes.items()}
        self.vips = {key.name: ips[mine] for key, ips in chosen.cluster_ips.items()}
        self.balancer = next(iter(chosen.load_balancers.values()))[mine]
        self.extern = ("198.51.100.80", "2001:db8:80::80")[mine]
        self.outside = ("172.18.0.1", "fc00:f853:ccd:e793::1")[mine]
        self.internet = ("203.0.113.1", "2001:db8::1")[mine]


@pytest.fixture(scope="module", params=["nftables", "iptables"])
def lab(build, request):
    made = build.cluster(*objects(build), of=build.lab(name=LAB, ip_family="dual", kube_proxy=KubeProxy(mode=request.param)))
    chosen = assign(made, Assignments())
    with served(compile_net(made, chosen).by_name, ["default.a", "default.c", "default.far-c", "outside"]):
        yield made, chosen


@pytest.fixture(params=FAMILIES)
def at(lab, request):
    return Address(lab[1], request.param)


def change(before: Namespace, after: Namespace) -> None:
    """Bring the rules of node-1 from one state to another, as netlab does: by the difference."""
    if after.table:
        inside("node-1", "nft", "-f", "-", stdin=str(table_change(after.table, before.table)))
    there = {rules.family: rules for rules in before.iptables}
    for rules in after.iptables:
        inside("node-1", f"{rules.program}-restore", "-w", "--noflush", stdin=restore_input(rules, there[rules.family]))


def dropped(place: str, ip: str, port: int, source: str = "") -> bool:
    with pytest.raises(TimeoutError):
        ask(place, ip, port, timeout_s=DROPPED_AFTER_S, source=source)
    return True


def test_local_node_ports_lead_to_the_nodes_own_pods_and_show_the_client(at):
    for node, pod in (("node-1", "a"), ("node-2", "c")):
        assert {ask("outside", at.nodes[node], LOCAL) for _ in range(8)} == {(pod, at.outside)}


def test_local_without_pods_drops_what_comes_from_outside_and_serves_pods_and_the_node(at):
    assert ask("outside", at.nodes["node-2"], FAR) == ("far-c", at.outside)  # the canary: it is only node-1 that drops
    assert dropped("outside", at.nodes["node-1"], FAR)
    assert ask("default.client", at.nodes["node-1"], FAR) == ("far-c", at.pods["client"])
    assert ask("node-1", at.nodes["node-1"], FAR) == ("far-c", at.nodes["node-1"])


def test_a_local_cluster_ip_without_pods_drops(at):
    assert ask("default.c", at.vips["near"], 80)[0] == "far-c"
    assert dropped("default.client", at.vips["near"], 80)
    assert ask("default.client", at.vips["far"], 80)[0] == "far-c"  # what drops is the policy, not the way


def test_a_client_stays_with_its_endpoint_at_every_address(at):
    [(who, _)] = {ask("default.client", at.vips["sticky"], 80) for _ in range(12)}
    assert {ask("default.client", at.nodes["node-1"], STICKY)[0] for _ in range(12)} == {who}


def test_clients_are_told_apart(at):
    """Forty addresses of one machine; that all draw the same of two happens once in 10^11 runs."""
    sources = [f"203.0.113.{n}" if "." in at.outside else f"2001:db8::{n}" for n in range(20, 60)]
    for source in sources:
        inside(
            "outside",
            "ip",
            "addr",
            "add",
            source + ("/32" if "." in source else "/128"),
            "dev",
            "lo",
            *(("nodad",) if ":" in source else ()),
        )
    drawn = {source: {ask("outside", at.nodes["node-1"], STICKY, source=source)[0] for _ in range(4)} for source in sources}
    assert all(len(pods) == 1 for pods in drawn.values())
    assert {pod for pods in drawn.values() for pod in pods} == {"a", "c"}


def test_a_client_is_given_another_endpoint_when_its_own_goes_and_stays_with_that(lab, build, at):
    made, chosen = lab
    who = ask("default.client", at.vips["sticky"], 80)[0]
    other = {"a": "c", "c": "a"}[who]
    fewer = build.cluster(*objects(build, pods=(other,)), of=made.lab)
    before, after = (compile_net(one, chosen).by_name[f"{LAB}.node-1"] for one in (made, fewer))
    change(before, after)
    try:
        assert {ask("default.client", at.vips["sticky"], 80)[0] for _ in range(8)} == {other}
    finally:
        change(after, before)
    assert {ask("default.client", at.vips["sticky"], 80)[0] for _ in range(8)} == {other}


def test_a_load_balancer_answers_those_in_its_ranges(at):
    answers = {ask("outside", at.balancer, 80, source=at.internet) for _ in range(DRAWS)}
    assert {pod for pod, _ in answers} == {"a", "c"}
    assert at.internet not in {client for _, client in answers}
    assert dropped("outside", at.balancer, 80, source=at.outside)
    assert dropped("default.client", at.balancer, 80)
    assert ask("outside", at.nodes["node-1"], OPEN, source=at.outside)[0] in {"a", "c"}


@pytest.mark.parametrize("place", ["outside", "default.client", "node-1", "node-2"])
def test_an_external_ip_is_reached_from_everywhere(at, place):
    assert {ask(place, at.extern, 80)[0] for _ in range(DRAWS)} == {"a", "c"}

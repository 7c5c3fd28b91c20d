"""Load balancers that are proxies (loadBalancerIPMode) under real packets, for Nodes of both modes and in both IP families.

node-1 with Pods a and client, node-2 with Pods c and far-c, the fabric, and outside, which is the load balancer; a and c are behind
every Service but `far`, which has only far-c, and `nobody`.
"""

from __future__ import annotations

import os
import socket

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.kube_proxy import KubeProxy
from tests.rules_lab import LAB, ask, inside, served

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not os.environ.get("NETLAB_TEST_VM"), reason="runs inside scripts/test"),
]

DROPPED_AFTER_S = 0.5
DRAWS = 40  # of two endpoints; all the same once in 10^11 runs
OPEN = 30081
PLACES = ("outside", "default.client", "node-1", "node-2")


def objects(build):
    def balanced(name, app="both", **more):
        ports = build.port(80, 8080, "http", node_port=more.pop("node_port", 0)), build.port(53, 5353, "dns", "UDP")
        return build.service(name, *ports, app=app, type="LoadBalancer", ip_family_policy="RequireDualStack", **more)

    return (
        build.pod("a", app="both", node="node-1"),
        build.pod("c", app="both", node="node-2"),
        build.pod("far-c", app="far", node="node-2"),
        build.pod("client", app="", node="node-1"),
        balanced("web"),
        balanced("far", "far", external_traffic_policy="Local"),
        balanced("guarded", node_port=OPEN, load_balancer_source_ranges=("203.0.113.0/24", "2001:db8::/64")),
        balanced("sticky", session_affinity="ClientIP"),
        balanced("nobody", "nobody"),
        balanced("closed", allocate_load_balancer_node_ports=False),
    )


class Address:
    """All addresses of the lab in one family."""

    def __init__(self, chosen: Assignments, family: str) -> None:
        mine = 0 if family == "IPv4" else 1
        self.nodes = {name: node.ips[mine] for name, node in chosen.nodes.items()}
        self.balancer = {key.name: ips[mine] for key, ips in chosen.load_balancers.items()}
        self.outside = ("172.18.0.1", "fc00:f853:ccd:e793::1")[mine]
        self.internet = ("203.0.113.1", "2001:db8::1")[mine]
        self.clients = {"outside": self.outside} | {
            f"{key.namespace}.{key.name}": bound.ips[mine] for key, bound in chosen.pods.items()
        }


@pytest.fixture(scope="module", params=["nftables", "iptables"])
def lab(build, request):
    of = build.lab(name=LAB, ip_family="dual", load_balancer_ip_mode="Proxy", kube_proxy=KubeProxy(mode=request.param))
    made = build.cluster(*objects(build), of=of)
    chosen = assign(made, Assignments())
    with served(compile_net(made, chosen).by_name, ["default.a", "default.c", "default.far-c"]):
        yield chosen


@pytest.fixture(params=["IPv4", "IPv6"])
def at(lab, request):
    return Address(lab, request.param)


@pytest.mark.parametrize(("port", "kind"), [(80, socket.SOCK_STREAM), (53, socket.SOCK_DGRAM)])
@pytest.mark.parametrize("place", PLACES)
def test_everybody_gets_to_every_endpoint_and_none_sees_the_client(at, place, port, kind):
    answers = {ask(place, at.balancer["web"], port, kind) for _ in range(DRAWS)}
    assert {pod for pod, _ in answers} == {"a", "c"}
    assert {at.outside, at.internet, at.clients.get(place)}.isdisjoint(client for _, client in answers)


@pytest.mark.parametrize("place", PLACES)
def test_policy_local_leads_to_nodes_with_endpoints_which_see_the_load_balancer(at, place):
    """What the policy keeps is the source that the Node sees; a Node without endpoints would have dropped it."""
    assert {ask(place, at.balancer["far"], 80) for _ in range(12)} == {("far-c", at.outside)}


def test_a_pod_takes_no_short_cut(at):
    """It goes by way of the machine outside, which remembers the connection."""
    ask("default.client", at.balancer["web"], 80)
    tracked = inside("outside", "conntrack", "-L", "-f", "ipv6" if ":" in at.outside else "ipv4", "-d", at.balancer["web"])
    assert f"src={at.nodes['node-1']} " in tracked


def test_the_ranges_are_for_the_address_of_the_load_balancer(at):
    assert {ask("outside", at.balancer["guarded"], 80, source=at.internet)[0] for _ in range(DRAWS)} == {"a", "c"}
    for place, source in (("outside", at.outside), ("outside", ""), ("default.client", ""), ("node-1", "")):
        with pytest.raises(TimeoutError):
            ask(place, at.balancer["guarded"], 80, source=source, timeout_s=DROPPED_AFTER_S)
    assert ask("outside", at.nodes["node-1"], OPEN, source=at.outside)[0] in {"a", "c"}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("service", "port"),
    [
        pytest.param("nobody", 80, id="nobody"),
        pytest.param("closed", 80, id="no NodePorts"),
        pytest.param("web", 81, id="a port that it has not"),
    ],
)
def test_where_there_is_nothing_to_go_to_it_refuses(at, place, service, port):
    with pytest.raises(ConnectionRefusedError):
        ask(place, at.balancer[service], port)


def test_a_client_stays_with_its_node_and_so_with_its_endpoint(at):
    for source in (at.outside, at.internet):
        assert len({ask("outside", at.balancer["sticky"], 80, source=source)[0] for _ in range(12)}) == 1


def test_nothing_else_is_passed_on(at):
    """The machine is no router: a Node that sends it what is for another Node gets no answer, and the canary does."""
    nodes = list(at.nodes.values())
    family = ("-6",) if ":" in at.outside else ()
    ask("node-1", nodes[1], OPEN)
    inside("node-1", "ip", *family, "route", "add", nodes[1], "via", at.outside, "dev", "eth0")
    try:
        with pytest.raises(TimeoutError):
            ask("node-1", nodes[1], OPEN + 1, timeout_s=DROPPED_AFTER_S)
    finally:
        inside("node-1", "ip", *family, "route", "del", nodes[1], "via", at.outside, "dev", "eth0")

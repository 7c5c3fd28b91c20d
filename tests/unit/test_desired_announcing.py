"""Where `outside` sends packets for load balancers and externalIPs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.desired.power import stop_machines

NODES = ("node-1", "node-2", "node-3")
NODE_IPS = {"172.18.0.2": "node-1", "172.18.0.3": "node-2", "172.18.0.4": "node-3"}
BALANCED = {"type": "LoadBalancer", "load_balancer_ip": "192.0.2.9"}
LOCAL = {"external_traffic_policy": "Local"}


def announced(build, *objects, stopped=(), mode="VIP", **spec):
    """The Node to which each announced address is sent."""
    of = build.lab(*NODES, load_balancer_ip_mode=mode)
    cluster = build.cluster(*objects, build.service("web", 80, **spec), of=of)
    cluster = replace(cluster, lab=stop_machines(cluster.lab, stopped, 1e9))
    outside = compile_net(cluster, assign(cluster, Assignments())).by_name["demo.outside"]
    return {route.destination: NODE_IPS[route.via] for route in outside.routes if route.via}


def test_a_load_balancer_has_one_node(build):
    assert list(announced(build, build.pod("a"), **BALANCED)) == ["192.0.2.9"]


@pytest.mark.parametrize("node", NODES)
def test_under_the_policy_local_it_is_one_that_has_endpoints(build, node):
    assert announced(build, build.pod("a", node=node), **BALANCED, **LOCAL) == {"192.0.2.9": node}


def test_without_endpoints_packets_are_sent_where_they_are_refused(build):
    assert list(announced(build, **BALANCED, **LOCAL)) == ["192.0.2.9"]


def test_a_stopped_machine_announces_nothing_and_the_others_keep_what_they_had(build):
    many = {"external_ips": tuple(f"198.51.100.{n}" for n in range(1, 40))}
    before = announced(build, **many)
    after = announced(build, stopped=["node-2"], **many)
    assert set(before.values()) == set(NODES)
    assert set(after.values()) == {"node-1", "node-3"}
    assert {ip: after[ip] for ip, node in before.items() if node != "node-2"} == {
        ip: node for ip, node in before.items() if node != "node-2"
    }
    assert announced(build, stopped=NODES, **many) == {}


def test_a_proxy_announces_nothing_but_external_ips(build):
    assert announced(build, build.pod("a"), mode="Proxy", **BALANCED) == {}
    assert list(announced(build, build.pod("a"), mode="Proxy", external_ips=("198.51.100.1",), **BALANCED)) == ["198.51.100.1"]


def test_an_address_of_the_fabric_needs_no_route(build):
    assert announced(build, external_ips=("172.18.0.3", "172.18.7.7")) == {}

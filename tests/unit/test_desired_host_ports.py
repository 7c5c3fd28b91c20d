"""Ports of Nodes that lead to one Pod: at which addresses they are open, of which families, and which collide."""

from dataclasses import replace

import pytest

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.host_ports import collide, host_ports
from netlab.model.container import ContainerPort

NODE4, NODE6 = "172.18.0.2", "fc00:f853:ccd:e793::2"
POD4, POD6 = "10.244.1.2", "fd00:10:244:1::2"


@pytest.mark.parametrize(
    ("lab", "host_ip", "ways"),
    [
        pytest.param("ipv4", "", {NODE4: POD4}, id="IPv4"),
        pytest.param("ipv6", "", {NODE6: POD6}, id="IPv6"),
        pytest.param("dual", "", {NODE4: POD4, NODE6: POD6}, id="both"),
        pytest.param("dual", "0.0.0.0", {NODE4: POD4}, id="all addresses of IPv4"),
        pytest.param("dual", "::", {NODE6: POD6}, id="all addresses of IPv6"),
        pytest.param("dual", NODE6, {NODE6: POD6}, id="one address"),
        pytest.param("dual", "fc00:f853:ccd:e793:0::2", {NODE6: POD6}, id="one address, written otherwise"),
        pytest.param("dual", "203.0.113.1", {}, id="an address of another machine"),
        pytest.param("ipv4", "::", {}, id="a family that the lab has not"),
    ],
)
def test_where_a_port_is_open(build, lab, host_ip, ways):
    pod = build.pod("web", node="node-1")
    port = ContainerPort(container_port=80, host_port=8080, host_ip=host_ip)
    pod = replace(pod, spec=replace(pod.spec, containers=(replace(pod.spec.containers[0], ports=(port,)),)))
    made = build.cluster(pod, of=build.lab(ip_family=lab))
    found = host_ports(made, assign(made, Assignments()))
    assert {one.address: one.target for one in found["node-1"]} == ways
    assert found["node-2"] == ()


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        pytest.param("", "", True, id="everywhere"),
        pytest.param("", NODE6, True, id="everywhere and at one address"),
        pytest.param("::", NODE6, True, id="all addresses and one of them"),
        pytest.param(NODE4, NODE6, False, id="two addresses"),
        pytest.param(NODE6, NODE6, True, id="the same address"),
    ],
)
def test_which_ports_collide(one, other, clash):
    first, second = (ContainerPort(container_port=80, host_port=8080, host_ip=ip) for ip in (one, other))
    assert (collide(first, second), collide(second, first)) == (clash, clash)

"""A Service of each kind, with the Pods behind it, and the table of nft that a Node makes of it."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.container import ContainerPort

VIP = {"cluster_ip": "10.96.0.20"}
LOCAL = {"external_traffic_policy": "Local"}
CASES = {
    "clusterip_two_endpoints": lambda b: (b.pod("a"), b.pod("b"), b.service("web", b.port(80, 8080), **VIP)),
    "udp": lambda b: (b.pod("a"), b.service("web", b.port(53, 5353, "dns", "UDP"), **VIP)),
    "no_endpoints": lambda b: (b.service("web", b.port(80, node_port=30080), type="NodePort", **VIP),),
    "nodeport": lambda b: (
        b.pod("a"),
        b.pod("b"),
        b.service("web", b.port(80, 8080, "http", node_port=30080), type="NodePort", **VIP),
    ),
    "headless": lambda b: (b.pod("a"), b.service("web", b.port(80), cluster_ip="None")),
    "two_ports_by_name": lambda b: (
        b.pod("a", ports=(("web", 8080), ("admin", 9090))),
        b.pod("b", ports=(("web", 8081),)),
        b.service("web", b.port(80, "web", "http"), b.port(90, "admin", "admin"), **VIP),
    ),
    "handwritten_slice": lambda b: (
        b.service("legacy", b.port(80, name="http"), app="", **VIP),
        b.slice_of("legacy", "198.51.100.7", ports=({"port": 8080, "name": "http"},)),
    ),
    "affinity": lambda b: (
        b.pod("a"),
        b.pod("b"),
        b.service("web", b.port(80, 8080, node_port=30080), type="NodePort", session_affinity="ClientIP", **VIP),
    ),
    "nodeport_local": lambda b: (
        b.pod("a", node="node-1"),
        b.service("web", b.port(80, 8080, node_port=30080), type="NodePort", **LOCAL, **VIP),
    ),
    "nodeport_local_and_nobody_here": lambda b: (
        b.pod("a", node="node-2"),
        b.service("web", b.port(80, 8080, node_port=30080), type="NodePort", **LOCAL, **VIP),
    ),
    "internal_local_and_nobody_here": lambda b: (
        b.pod("a", node="node-2"),
        b.service("web", 80, internal_traffic_policy="Local", **VIP),
    ),
    "load_balancer_with_source_ranges": lambda b: (
        b.pod("a"),
        b.service(
            "web",
            b.port(80, 8080, node_port=30080),
            type="LoadBalancer",
            load_balancer_ip="192.0.2.9",
            load_balancer_source_ranges=(" 198.51.100.0/24", "203.0.113.7/32"),
            **VIP,
        ),
    ),
    "external_ip": lambda b: (b.pod("a"), b.service("web", 80, external_ips=("198.51.100.80",), **VIP)),
    "counts_of_endpoints": lambda b: (
        *(b.pod(f"one-{n}", app="one") for n in range(1)),
        *(b.pod(f"two-{n}", app="two") for n in range(2)),
        *(b.pod(f"three-{n}", app="three") for n in range(3)),
        *(b.service(name, 80, app=name, cluster_ip=f"10.96.0.{n}") for n, name in enumerate(("one", "two", "three"), 21)),
    ),
}  # fmt: skip


def with_host_port(build, name="web", node="node-1", **port):
    """A Pod with one port that leads from its Node's 8080."""
    made = build.pod(name, node=node)
    given = ContainerPort(**{"container_port": 80, "host_port": 8080} | port)
    return replace(made, spec=replace(made.spec, containers=(replace(made.spec.containers[0], ports=(given,)),)))


def table(build, *objects, node="node-1", of=None):
    """The table of a Node in a lab that has these objects."""
    made = build.cluster(*objects, of=of)
    return compile_net(made, assign(made, Assignments())).by_name[f"demo.{node}"].table

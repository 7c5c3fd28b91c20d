"""The lab that packets walk through in tests: two Nodes, Services with endpoints everywhere, on one Node, and nowhere."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.container import ContainerPort
from netlab.netstate.state import NetState

BOTH, SELF, EMPTY, UNALLOCATED = "10.96.0.21", "10.96.0.22", "10.96.0.23", "10.96.0.99"
A, B, CLIENT, C, HOSTED = "10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.2.2", "10.244.2.3"
NODE_1, NODE_2, OUTSIDE, INTERNET = "172.18.0.2", "172.18.0.3", "172.18.0.1", "203.0.113.1"


def walked_lab(build, lab="demo") -> NetState:
    """Pods a, b, client on node-1, c and hosted (which has port 8000 of its Node) on node-2.

    Service both: a and c, TCP 80 (NodePort 30080) and UDP 53 (30053); self: b; empty: nobody, NodePort 30081.
    """
    web = build.port(80, 8080, "http", node_port=30080)
    dns = build.port(53, 5353, "dns", "UDP", node_port=30053)
    hosted = build.pod("hosted", app="", node="node-2")
    port = ContainerPort(container_port=8080, host_port=8000)
    hosted = replace(hosted, spec=replace(hosted.spec, containers=(replace(hosted.spec.containers[0], ports=(port,)),)))
    made = build.cluster(
        build.pod("a", app="both", node="node-1"),
        build.pod("b", app="self", node="node-1"),
        build.pod("client", app="", node="node-1"),
        build.pod("c", app="both", node="node-2"),
        hosted,
        build.service("both", web, dns, app="both", type="NodePort", cluster_ip=BOTH),
        build.service("self", build.port(80, 8080), app="self", cluster_ip=SELF),
        build.service("empty", build.port(80, node_port=30081), app="none", type="NodePort", cluster_ip=EMPTY),
        of=build.lab(name=lab),
    )
    return compile_net(made, assign(made, Assignments()))

"""The lab that packets walk through in tests: two Nodes, Services with endpoints everywhere, on one Node, and nowhere."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.container import ContainerPort
from netlab.netstate.state import NetState

SERVICES = tuple(f"10.96.0.{n}" for n in range(21, 31))
BOTH, SELF, EMPTY, LOCAL, ELSEWHERE, INSIDE, STICKY, LOYAL, OUTER, BALANCED = SERVICES
UNALLOCATED = "10.96.0.99"
EXTERNAL_IP, BALANCER = "198.51.100.80", "192.0.2.9"
A, B, CLIENT, C, HOSTED = "10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.2.2", "10.244.2.3"
NODE_1, NODE_2, OUTSIDE, INTERNET = "172.18.0.2", "172.18.0.3", "172.18.0.1", "203.0.113.1"


def walked_lab(build, lab="demo", **spec) -> NetState:
    """Pods a, b, client on node-1, c and hosted (which has port 8000 of its Node) on node-2; Services of TCP port 80.

    both ........ a and c, also UDP 53; NodePorts 30080 and 30053   inside .......... b; internal policy Local
    self ........ b                                                 sticky, loyal ... a and c; session affinity; 30091
    empty ....... nobody; NodePort 30081                            outer ........... a and c; an external IP
    local ....... a and c; external policy Local; 30090             balanced ........ a and c; a load balancer, for Pods
    elsewhere ... b; external policy Local; 30093                                     of node-1 only
    """
    web = build.port(80, 8080, "http", node_port=30080)
    dns = build.port(53, 5353, "dns", "UDP", node_port=30053)
    hosted = build.pod("hosted", app="", node="node-2")
    port = ContainerPort(container_port=8080, host_port=8000)
    hosted = replace(hosted, spec=replace(hosted.spec, containers=(replace(hosted.spec.containers[0], ports=(port,)),)))

    def port_of(node_port=0):
        return build.port(80, 8080, node_port=node_port)

    node_port = {"type": "NodePort"}
    made = build.cluster(
        build.pod("a", app="both", node="node-1"),
        build.pod("b", app="self", node="node-1"),
        build.pod("client", app="", node="node-1"),
        build.pod("c", app="both", node="node-2"),
        hosted,
        build.service("both", web, dns, app="both", cluster_ip=BOTH, **node_port),
        build.service("self", build.port(80, 8080), app="self", cluster_ip=SELF),
        build.service("empty", build.port(80, node_port=30081), app="none", cluster_ip=EMPTY, **node_port),
        build.service("local", port_of(30090), app="both", cluster_ip=LOCAL, external_traffic_policy="Local", **node_port),
        build.service(
            "elsewhere", port_of(30093), app="self", cluster_ip=ELSEWHERE, external_traffic_policy="Local", **node_port
        ),
        build.service("inside", port_of(), app="self", cluster_ip=INSIDE, internal_traffic_policy="Local"),
        build.service("sticky", port_of(30091), app="both", cluster_ip=STICKY, session_affinity="ClientIP", **node_port),
        build.service("loyal", port_of(), app="both", cluster_ip=LOYAL, session_affinity="ClientIP"),
        build.service("outer", port_of(), app="both", cluster_ip=OUTER, external_ips=(EXTERNAL_IP,)),
        build.service(
            "balanced",
            port_of(),
            app="both",
            cluster_ip=BALANCED,
            type="LoadBalancer",
            load_balancer_ip=BALANCER,
            allocate_load_balancer_node_ports=False,
            load_balancer_source_ranges=("10.244.1.0/24",),
        ),
        of=build.lab(name=lab, **spec),
    )
    return compile_net(made, assign(made, Assignments()))

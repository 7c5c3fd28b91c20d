"""The lab that packets walk through in tests: two Nodes, Services with endpoints everywhere, on one Node, and nowhere."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.compile import compile_net
from netlab.model.container import ContainerPort
from netlab.model.lab import Cluster
from netlab.netstate.state import NetState

SERVICES = tuple(f"10.96.0.{n}" for n in range(21, 32))
BOTH, SELF, EMPTY, LOCAL, ELSEWHERE, INSIDE, STICKY, LOYAL, DEVOTED, OUTER, BALANCED = SERVICES
UNALLOCATED = "10.96.0.99"
EXTERNAL_IP, EXTERNAL_IPV6, BALANCER, LONELY = "198.51.100.80", "2001:db8:2::80", "192.0.2.9", "192.0.2.10"
A, B, CLIENT, C, HOSTED = "10.244.1.2", "10.244.1.3", "10.244.1.4", "10.244.2.2", "10.244.2.3"
NODE_1, NODE_2, OUTSIDE, INTERNET = "172.18.0.2", "172.18.0.3", "172.18.0.1", "203.0.113.1"


def walked_lab(build, lab="demo", **spec) -> NetState:
    """The network of `walked`."""
    return compile_net(*walked(build, lab, **spec))


def walked(build, lab="demo", **spec) -> tuple[Cluster, Assignments]:
    """Pods a, b, client on node-1, c and hosted (which has port 8000 of its Node) on node-2; Services of TCP port 80.

    both ........ a and c, also UDP 53; NodePorts 30080 and 30053   inside .......... b; internal policy Local
    self ........ b                                                 sticky .......... a and c; session affinity; 30091
    empty ....... nobody; NodePort 30081                            loyal, devoted .. the same without NodePort
    local ....... a and c; external policy Local; 30090             outer ........... a and c; an external IP
    elsewhere ... b; external policy Local; 30093                   balanced ........ a and c; a load balancer, for Pods of
                                                                                      node-1 only
    With loadBalancerIPMode Proxy `balanced` is for node-1 and the Internet, its policy is Local so that its endpoints see the load
    balancer; and there is another one, for nobody.
    """
    of, is_dual = build.lab(name=lab, **spec), spec.get("ip_family") == "dual"

    def service(name, cluster_ip, app, node_port=0, **more):
        """A Service of port 80, of both families where the lab is."""
        kind = {"type": "NodePort"} if node_port and "type" not in more else {}
        families = {"ip_family_policy": "RequireDualStack"} if is_dual else {}
        others = more.pop("ports", ())
        port = build.port(80, 8080, "http" if others else "", node_port=node_port)
        return build.service(name, port, *others, app=app, cluster_ip=cluster_ip, **kind, **families, **more)

    external = {"external_traffic_policy": "Local"}
    sticky = {"session_affinity": "ClientIP"}
    balanced = {
        "type": "LoadBalancer", "load_balancer_ip": BALANCER, "allocate_load_balancer_node_ports": False,
        "load_balancer_source_ranges": ("10.244.1.0/24",),
    }  # fmt: skip
    lonely = []
    if of.spec.load_balancer_ip_mode == "Proxy":
        lonely.append(service("lonely", "10.96.0.32", "none", type="LoadBalancer", load_balancer_ip=LONELY))
        more = {"load_balancer_source_ranges": (f"{NODE_1}/32", f"{INTERNET}/32", "fc00:f853:ccd:e793::/64")}
        balanced |= {"node_port": 30094, "allocate_load_balancer_node_ports": True} | external | more
    made = build.cluster(
        build.pod("a", app="both", node="node-1"),
        build.pod("b", app="self", node="node-1"),
        build.pod("client", app="", node="node-1"),
        build.pod("c", app="both", node="node-2"),
        _hosted(build),
        service("both", BOTH, "both", 30080, ports=(build.port(53, 5353, "dns", "UDP", node_port=30053),)),
        service("self", SELF, "self"),
        service("empty", EMPTY, "none", 30081),
        service("local", LOCAL, "both", 30090, **external),
        service("elsewhere", ELSEWHERE, "self", 30093, **external),
        service("inside", INSIDE, "self", internal_traffic_policy="Local"),
        service("sticky", STICKY, "both", 30091, **sticky),
        service("loyal", LOYAL, "both", **sticky),
        service("devoted", DEVOTED, "both", **sticky),
        service("outer", OUTER, "both", external_ips=(EXTERNAL_IP, EXTERNAL_IPV6) if is_dual else (EXTERNAL_IP,)),
        service("balanced", BALANCED, "both", **balanced),
        *lonely,
        of=of,
    )
    return made, assign(made, Assignments())


def _hosted(build):
    """A Pod whose port 8080 is port 8000 of its Node."""
    pod = build.pod("hosted", app="", node="node-2")
    container = replace(pod.spec.containers[0], ports=(ContainerPort(container_port=8080, host_port=8000),))
    return replace(pod, spec=replace(pod.spec, containers=(container,)))


def ipv6_of(assigned: Assignments) -> dict[str, str]:
    """The IPv6 address of what has an IPv4 one in a lab of both families, and nobody's for nobody's."""
    bound = (*assigned.pods.values(), *assigned.nodes.values())
    return dict([*(one.ips for one in bound), *assigned.cluster_ips.values(), *assigned.load_balancers.values()]) | {
        OUTSIDE: "fc00:f853:ccd:e793::1",
        INTERNET: "2001:db8::1",
        EXTERNAL_IP: EXTERNAL_IPV6,
        UNALLOCATED: "fd00:10:96::ffff",
        "10.244.1.1": "fd00:10:244:1::1",
        "10.244.2.1": "fd00:10:244:2::1",
        "10.244.1.77": "fd00:10:244:1::77",
        "10.244.2.77": "fd00:10:244:2::77",
        "10.244.9.9": "fd00:10:244:9::9",
    }

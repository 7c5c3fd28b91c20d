"""The cables of a lab: which namespace has which links, addresses, routes and sysctls.

    fabric    one bridge, a port for each machine               (the physical switch)
    outside   eth0 on the fabric, the Internet on lo            (no way to Pods or ClusterIPs)
    Node      eth0 on the fabric, bridge cni0 for its Pods, routes to the other Nodes' Pods, default via outside
    Pod       eth0, its Node's bridge the only neighbour

Pod links are routed although they hang on a bridge: a Pod knows no neighbour but its Node (`noprefixroute`, and a route to
the bridge's address alone), so also packets between Pods of one Node pass the Node's IP hooks. Otherwise a reply would be
switched straight back to the client past the connection tracking, and never be translated back. Bridges that call the IP
hooks themselves (br_netfilter) are the other way to that; a machine may lack the module, so it is not used, and switched off.
No route is left to the kernel (`noprefixroute` everywhere): what is not written down here could not be repaired either.
Source: DESIGN.md section 1; Documentation/networking/ip-sysctl; kindnet and host-gw of flannel for the routes.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from netlab.desired.assignments import Assignments, PodAssignment
from netlab.desired.ipam import gateway, outside_address
from netlab.desired.power import stopped_nodes
from netlab.desired.rights import sysctls
from netlab.model.lab import Cluster, LabSpec
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod
from netlab.netstate.links import Address, Bridge, Link, Route, Sysctl, Veth
from netlab.netstate.names import IFNAMSIZ, IfName, NetnsName, mac_address, machine_netns, pod_netns, veth_name
from netlab.netstate.state import Namespace

FABRIC, OUTSIDE = "fabric", "outside"
FABRIC_BRIDGE, CNI0, ETH0, LO = IfName("fabric0"), IfName("cni0"), IfName("eth0"), IfName("lo")


def _sysctls(*pairs: tuple[str, str]) -> frozenset[Sysctl]:
    return frozenset(Sysctl(key=key, value=value) for key, value in pairs)


# IPv4 only for now; a link-local address that nobody asked for would be noise in every capture.
EVERYWHERE = _sysctls(("net.ipv6.conf.all.disable_ipv6", "1"), ("net.ipv6.conf.default.disable_ipv6", "1"))
# Bridges only switch: where br_netfilter is loaded, frames would be translated inside the bridge, and a Pod could not reach
# itself through a Service.
SWITCH = EVERYWHERE | _sysctls(("net.bridge.bridge-nf-call-iptables", "0"))
# A Node forwards, and tells no Pod of a shorter way (the bridge would be left and entered by the same port). Long transfers
# must not be reset because one packet fell out of the connection tracking's window (kube-proxy issue 74839).
NODE = SWITCH | _sysctls(
    ("net.ipv4.ip_forward", "1"),
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.netfilter.nf_conntrack_tcp_be_liberal", "1"),
)
# What container runtimes set: low ports and ping without privileges.
POD = EVERYWHERE | _sysctls(("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0\t2147483647"))


def has_network(pod: Pod, bound: PodAssignment | None) -> bool:
    """Tell whether the Pod is to have a network namespace: bound to a Node whose own it does not use, and not finished.

    One that is finished keeps it while something is being stopped.
    """
    runs = pod.status.phase not in FINAL_PHASES or any(status.state == "running" for status in pod.all_statuses)
    return bool(bound and bound.node and bound.ips) and runs and not pod.spec.host_network


class Wiring:
    """The namespaces of one lab without their rules. `mark` is the ownership mark, the alias of every link."""

    def __init__(self, cluster: Cluster, assignments: Assignments, mark: str) -> None:
        self.cluster, self.assignments, self.mark = cluster, assignments, mark
        self.spec: LabSpec = cluster.lab.spec
        self.lab = cluster.lab.metadata.name
        running = assignments.nodes.keys() - stopped_nodes(cluster.lab)
        self.pods_of: dict[str, list[tuple[Pod, PodAssignment]]] = {name: [] for name in assignments.nodes if name in running}
        for pod in cluster.pods:
            bound = assignments.pods.get(pod.key)
            if bound and has_network(pod, bound) and bound.node in self.pods_of:
                self.pods_of[bound.node].append((pod, bound))

    def namespaces(self) -> Iterator[Namespace]:
        """Yield the fabric, outside, every Node whose machine is on, and every Pod there that has a network."""
        yield self.fabric()
        yield self.outside()
        for name, pods in self.pods_of.items():
            yield self.node(name)
            for pod, bound in pods:
                yield self.pod(pod, bound)

    def fabric(self) -> Namespace:
        """The switch between the machines. It has no address: a switch is not a party."""
        ports = (self._machine_veth(name)[0] for name in (OUTSIDE, *self.pods_of))
        bridge = self._bridge(FABRIC, FABRIC_BRIDGE)
        return Namespace(name=self._machine(FABRIC), links=frozenset((bridge, *ports)), sysctls=SWITCH)

    def outside(self) -> Namespace:
        """A client that is not part of the cluster: it reaches Nodes, and neither Pods nor ClusterIPs."""
        addresses = {self._on_fabric(outside_address(self.spec))}
        addresses |= {Address(dev=LO, address=self.spec.outside_subnet)}
        return Namespace(
            name=self._machine(OUTSIDE),
            links=frozenset({self._machine_veth(OUTSIDE)[1]}),
            addresses=frozenset(addresses),
            routes=frozenset({self._to_fabric()}),
            sysctls=EVERYWHERE,
        )

    def node(self, name: str) -> Namespace:
        """A Node: a router between the fabric and its Pods."""
        mine = self.assignments.nodes[name]
        others = [item for other, item in self.assignments.nodes.items() if other != name]
        links: list[Link] = [self._machine_veth(name)[1], self._bridge(name, CNI0)]
        links += [self._pod_veth(pod, bound)[0] for pod, bound in self.pods_of[name]]
        bridge = f"{gateway(mine.pod_cidr)}/{IPv4Network(mine.pod_cidr).prefixlen}"
        routes = {Route(destination=item.pod_cidr, dev=ETH0, via=item.ip) for item in others}
        routes |= {Route(destination="default", dev=ETH0, via=outside_address(self.spec))}
        routes |= {self._to_fabric(), Route(destination=mine.pod_cidr, dev=CNI0)}
        return Namespace(
            name=self._machine(name),
            links=frozenset(links),
            addresses=frozenset({self._on_fabric(mine.ip), Address(dev=CNI0, address=bridge, noprefixroute=True)}),
            routes=frozenset(routes),
            sysctls=NODE,
        )

    def pod(self, pod: Pod, bound: PodAssignment) -> Namespace:
        """A Pod: one address, and its Node for everything else. What it sets itself is set with its processes."""
        cidr = self.assignments.nodes[bound.node].pod_cidr
        via = gateway(cidr)
        length = IPv4Network(cidr).prefixlen
        return Namespace(
            name=self._pod(pod),
            links=frozenset({self._pod_veth(pod, bound)[1]}),
            addresses=frozenset(Address(dev=ETH0, address=f"{ip}/{length}", noprefixroute=True) for ip in bound.ips),
            routes=frozenset({Route(destination=via, dev=ETH0), Route(destination="default", dev=ETH0, via=via)}),
            sysctls=frozenset(one for one in POD if one.key not in {own.name for own in sysctls(pod)}),
        )

    def _machine(self, name: str) -> NetnsName:
        return machine_netns(self.lab, name)

    def _pod(self, pod: Pod) -> NetnsName:
        return pod_netns(self.lab, pod.metadata.namespace, pod.metadata.name)

    def _on_fabric(self, ip: str) -> Address:
        return Address(dev=ETH0, address=f"{ip}/{IPv4Network(self.spec.node_subnet).prefixlen}", noprefixroute=True)

    def _to_fabric(self) -> Route:
        """The way to all machines: the fabric is the link itself."""
        return Route(destination=self.spec.node_subnet, dev=ETH0)

    def _bridge(self, machine: str, name: IfName) -> Bridge:
        return Bridge(name=name, mac=mac_address(self.lab, machine, name), mtu=self.spec.mtu, alias=self.mark)

    def _machine_veth(self, machine: str) -> tuple[Veth, Veth]:
        """The cable from the fabric to a machine: a port named after it, and its eth0."""
        port = IfName(machine) if len(machine) <= IFNAMSIZ else veth_name(self.lab, FABRIC, machine)
        return self._veth(self._machine(FABRIC), port, FABRIC_BRIDGE, self._machine(machine))

    def _pod_veth(self, pod: Pod, bound: PodAssignment) -> tuple[Veth, Veth]:
        """The cable from the Node's bridge to a Pod.

        The MAC follows from the address: who has talked to an earlier Pod with that address reaches this one at once, and not
        only when the neighbour entry is doubted (arp(7): half a minute). Docker's bridge driver does the same.
        """
        name = veth_name(self.lab, pod.metadata.namespace, pod.metadata.name, pod.metadata.uid)
        return self._veth(self._machine(bound.node), name, CNI0, self._pod(pod), "".join(bound.ips[:1]))

    def _veth(self, switch: NetnsName, port: IfName, bridge: IfName, far: NetnsName, address: str = "") -> tuple[Veth, Veth]:
        near_mac = mac_address(switch, port, "port")
        far_mac = mac_address(switch, address) if address else mac_address(switch, port, far)
        near = Veth(
            name=port,
            mac=near_mac,
            mtu=self.spec.mtu,
            peer_netns=far,
            peer_name=ETH0,
            peer_mac=far_mac,
            master=bridge,
            alias=self.mark,
        )
        end = Veth(
            name=ETH0,
            mac=far_mac,
            mtu=self.spec.mtu,
            peer_netns=switch,
            peer_name=port,
            peer_mac=near_mac,
            alias=self.mark,
        )
        return near, end

"""The cables of a lab: which namespace has which links, addresses, routes and sysctls.

    fabric    one bridge, a port for each machine               (the physical switch)
    outside   eth0 on the fabric, the Internet on lo            (no way to Pods or ClusterIPs; with loadBalancerIPMode Proxy
                                                                 the load balancers on lo too, and it forwards)
    Node      eth0 on the fabric, bridge cni0 for its Pods, routes to the other Nodes' Pods (tunnels.py), default via outside
    Pod       eth0, its Node's bridge the only neighbour

Pod links are routed although they hang on a bridge: a Pod knows no neighbour but its Node (`noprefixroute`, and a route to
the bridge's address alone), so also packets between Pods of one Node pass the Node's IP hooks. Otherwise a reply would be
switched straight back to the client past the connection tracking, and never be translated back. Bridges that call the IP
hooks themselves (br_netfilter) are the other way to that; a machine may lack the module, so it is not used, and switched off.
No route is left to the kernel (`noprefixroute` everywhere): what is not written down here could not be repaired either.

Each IP family of the lab has the same of all this. An IPv6 address is used at once (`nodad`): who has it is written down here.
Every machine's eth0, every Pod's and every cni0 has a link-local address as well, made from the MAC as Linux would: whoever
forwards a packet, or asks whether a neighbour is still there, has no other address to ask from (ndisc_send_ns).
Source: DESIGN.md section 1; Documentation/networking/ip-sysctl; kindnet and host-gw of flannel for the routes; RFC 4861, 4862.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator

from netlab.desired import tunnels
from netlab.desired.assignments import Assignments, PodAssignment
from netlab.desired.ipam import gateway, outside_addresses
from netlab.desired.power import stopped_nodes
from netlab.desired.proxy_nodes import LOOPBACK, node_port_ips_of
from netlab.desired.rights import sysctls
from netlab.model.families import listed
from netlab.model.lab import Cluster, LabSpec
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod
from netlab.netstate.links import Address, Bridge, Entry, Link, Route, Sysctl, Veth, is_ipv6
from netlab.netstate.names import (
    FABRIC,
    IFNAMSIZ,
    OUTSIDE,
    IfName,
    NetnsName,
    link_local,
    mac_address,
    machine_netns,
    pod_netns,
    veth_name,
)
from netlab.netstate.state import Namespace

FABRIC_BRIDGE, CNI0, ETH0, LO = IfName("fabric0"), IfName("cni0"), IfName("eth0"), IfName("lo")


def pod_port(lab: str, pod: Pod) -> IfName:
    """Return the name of a Pod's port of its Node's bridge."""
    return veth_name(lab, pod.metadata.namespace, pod.metadata.name, pod.metadata.uid)


@functools.lru_cache(maxsize=256)
def _to_node(cidrs: tuple[str, ...]) -> frozenset[Route]:
    """The way from a Pod to all the world, in each family: over its Node's bridge, the first host of the Pods' subnet."""
    ways = ((Route(destination=via, dev=ETH0), Route(destination="default", dev=ETH0, via=via)) for via in map(gateway, cidrs))
    return frozenset(route for way in ways for route in way)


def _sysctls(*pairs: tuple[str, str]) -> frozenset[Sysctl]:
    return frozenset(Sysctl(key=key, value=value) for key, value in pairs)


# Without IPv6 in the lab there is none in it: a link-local address that nobody asked for would be noise in every capture.
NO_IPV6 = _sysctls(("net.ipv6.conf.all.disable_ipv6", "1"), ("net.ipv6.conf.default.disable_ipv6", "1"))
# With it, only the addresses that are written down, and no router but the one that is: a Pod could make itself the router of
# all others on its bridge by announcing that it is one (CVE-2020-10749). Nor a shorter way: a Node tells of those whatever its
# parameters are (ip6_forward), and a Pod that took it would answer its neighbour past the Node, which has to translate that.
IPV6 = _sysctls(
    ("net.ipv6.conf.all.disable_ipv6", "0"),
    ("net.ipv6.conf.default.disable_ipv6", "0"),
    ("net.ipv6.conf.default.accept_ra", "0"),
    ("net.ipv6.conf.default.accept_redirects", "0"),
    ("net.ipv6.conf.default.addr_gen_mode", "1"),  # none
)
# Bridges only switch: where br_netfilter is loaded, frames would be translated inside the bridge, and a Pod could not reach
# itself through a Service.
BRIDGES = _sysctls(("net.bridge.bridge-nf-call-iptables", "0"))
BRIDGES_IPV6 = _sysctls(("net.bridge.bridge-nf-call-ip6tables", "0"))
# Who forwards tells nobody of a shorter way (the bridge would be left and entered by the same port). Long transfers must not
# be reset because one packet fell out of the connection tracking's window (kube-proxy issue 74839). The machine outside has
# these even while it does not forward: an interface takes them over when it is made, and not later.
ROUTER = _sysctls(
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.conf.default.send_redirects", "0"),
    ("net.ipv4.conf.all.rp_filter", "0"),
    ("net.ipv4.conf.default.rp_filter", "0"),
    ("net.netfilter.nf_conntrack_tcp_be_liberal", "1"),
)
# Said of the machine outside as well where it does not: a new namespace takes over what the VM does.
FORWARDING = {on: _sysctls(("net.ipv4.ip_forward", str(int(on)))) for on in (False, True)}
FORWARDING_IPV6 = {on: _sysctls(("net.ipv6.conf.all.forwarding", str(int(on)))) for on in (False, True)}
# What container runtimes set: low ports and ping without privileges.
POD = _sysctls(("net.ipv4.ip_unprivileged_port_start", "0"), ("net.ipv4.ping_group_range", "0\t2147483647"))


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
        self.fabric_cidrs = listed(self.spec.node_subnet)
        self.has_ipv6 = "IPv6" in self.spec.families
        self.pod_mtu = self.spec.pod_mtu
        self.ipv6 = IPV6 if self.has_ipv6 else NO_IPV6
        self.pod_sysctls = POD | self.ipv6
        self.bridges = BRIDGES | BRIDGES_IPV6 if self.has_ipv6 else BRIDGES
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
        return Namespace(name=self._machine(FABRIC), links=frozenset((bridge, *ports)), sysctls=NO_IPV6 | self.bridges)

    def outside(self) -> Namespace:
        """A client that is not part of the cluster: it reaches Nodes, and neither Pods nor ClusterIPs.

        Where load balancers are proxies it is the machine that they run on, and has their addresses.
        """
        eth0, is_balancer = self._machine_veth(OUTSIDE)[1], self.spec.load_balancer_ip_mode == "Proxy"
        addresses = [*self._on(eth0, outside_addresses(self.spec), self.fabric_cidrs)]
        addresses += (Address(dev=LO, address=cidr, nodad=is_ipv6(cidr)) for cidr in listed(self.spec.outside_subnet))
        addresses += self._load_balancers() if is_balancer else ()
        return Namespace(
            name=self._machine(OUTSIDE),
            links=frozenset({eth0}),
            addresses=frozenset(addresses),
            routes=frozenset(self._to_fabric()),
            sysctls=self._router(forwards=is_balancer),
        )

    def _load_balancers(self) -> Iterator[Address]:
        for ip in (ip for ips in self.assignments.load_balancers.values() for ip in ips):
            is_other = is_ipv6(ip)
            yield Address(dev=LO, address=f"{ip}/{128 if is_other else 32}", noprefixroute=True, nodad=is_other)

    def _router(self, *, forwards: bool) -> frozenset[Sysctl]:
        return ROUTER | FORWARDING[forwards] | self.ipv6 | (FORWARDING_IPV6[forwards] if self.has_ipv6 else frozenset())

    def node(self, name: str) -> Namespace:
        """A Node: a router between the fabric and its Pods."""
        mine = self.assignments.nodes[name]
        eth0, cni0 = self._machine_veth(name)[1], self._bridge(name, CNI0)
        ports = (self._pod_veth(pod, bound)[0] for pod, bound in self.pods_of[name])
        gateways = tuple(map(gateway, mine.pod_cidrs))
        routes = [*self._to_fabric(), *(Route(destination=cidr, dev=CNI0) for cidr in mine.pod_cidrs)]
        routes += [Route(destination="default", dev=ETH0, via=ip) for ip in outside_addresses(self.spec)]
        others = [(other, item) for other, item in self.assignments.nodes.items() if other != name]
        routes += [route for other, item in others for route in tunnels.routes(self.lab, other, item, self.spec)]
        addresses = [*self._on(eth0, mine.ips, self.fabric_cidrs), *self._on(cni0, gateways, mine.pod_cidrs)]
        links: list[Link] = [eth0, cni0, *ports]
        entries: list[Entry] = []
        if self.spec.network == "vxlan":
            links.append(end := tunnels.tunnel(self.lab, name, mine, self.spec, self.mark))
            addresses += self._on(end, *tunnels.addresses(mine))
            entries += [entry for other, item in others for entry in tunnels.entries(self.lab, other, item)]
        return Namespace(
            name=self._machine(name),
            links=frozenset(links),
            addresses=frozenset(addresses),
            entries=frozenset(entries),
            routes=frozenset(routes),
            sysctls=self._node_sysctls(name),
        )

    def _node_sysctls(self, name: str) -> frozenset[Sysctl]:
        # What is sent to the Node's own 127.0.0.1 may be translated to a Pod's address if NodePorts are open there.
        is_open = LOOPBACK in node_port_ips_of(self.spec, name, self.assignments.nodes[name])
        localnet = _sysctls(("net.ipv4.conf.all.route_localnet", str(int(is_open))))
        return self._router(forwards=True) | localnet | self.bridges

    def pod(self, pod: Pod, bound: PodAssignment) -> Namespace:
        """A Pod: an address of each family, and its Node for everything else. What it sets itself is set with its processes."""
        cidrs, eth0 = self.assignments.nodes[bound.node].pod_cidrs, self._pod_veth(pod, bound)[1]
        own = {sysctl.name for sysctl in sysctls(pod)}
        return Namespace(
            name=self._pod(pod),
            links=frozenset({eth0}),
            addresses=frozenset(self._on(eth0, bound.ips, cidrs)),
            routes=_to_node(cidrs),
            sysctls=frozenset(one for one in self.pod_sysctls if one.key not in own) if own else self.pod_sysctls,
        )

    def _machine(self, name: str) -> NetnsName:
        return machine_netns(self.lab, name)

    def _pod(self, pod: Pod) -> NetnsName:
        return pod_netns(self.lab, pod.metadata.namespace, pod.metadata.name)

    def _on(self, link: Link, ips: Iterable[str], cidrs: Iterable[str]) -> Iterator[Address]:
        """The addresses of a link, each with the length of its subnet, and with IPv6 the link-local one that its MAC makes."""
        for ip, cidr in zip(ips, cidrs, strict=True):
            yield Address(dev=link.name, address=f"{ip}/{cidr.partition('/')[2]}", noprefixroute=True, nodad=is_ipv6(ip))
        if self.has_ipv6:
            yield Address(dev=link.name, address=f"{link_local(link.mac)}/64", noprefixroute=True, nodad=True)

    def _to_fabric(self) -> Iterator[Route]:
        """The way to all machines: the fabric is the link itself."""
        yield from (Route(destination=cidr, dev=ETH0) for cidr in self.fabric_cidrs)

    def _bridge(self, machine: str, name: IfName) -> Bridge:
        return Bridge(name=name, mac=mac_address(self.lab, machine, name), mtu=self._mtu(name), alias=self.mark)

    def _mtu(self, bridge: IfName) -> int:
        """The MTU of a bridge and all its ports: on the fabric the lab's, between Pods what is left of it."""
        return self.spec.mtu if bridge == FABRIC_BRIDGE else self.pod_mtu

    def _machine_veth(self, machine: str) -> tuple[Veth, Veth]:
        """The cable from the fabric to a machine: a port named after it, and its eth0."""
        port = IfName(machine) if len(machine) <= IFNAMSIZ else veth_name(self.lab, FABRIC, machine)
        return self._veth(self._machine(FABRIC), port, FABRIC_BRIDGE, self._machine(machine))

    def _pod_veth(self, pod: Pod, bound: PodAssignment) -> tuple[Veth, Veth]:
        """The cable from the Node's bridge to a Pod.

        The MAC follows from the address: who has talked to an earlier Pod with that address reaches this one at once, and not
        only when the neighbour entry is doubted (arp(7): half a minute). Docker's bridge driver does the same.
        """
        return self._veth(self._machine(bound.node), pod_port(self.lab, pod), CNI0, self._pod(pod), "".join(bound.ips[:1]))

    def _veth(self, switch: NetnsName, port: IfName, bridge: IfName, far: NetnsName, address: str = "") -> tuple[Veth, Veth]:
        near_mac = mac_address(switch, port, "port")
        far_mac = mac_address(switch, address) if address else mac_address(switch, port, far)
        near = Veth(
            name=port,
            mac=near_mac,
            mtu=self._mtu(bridge),
            peer_netns=far,
            peer_name=ETH0,
            peer_mac=far_mac,
            master=bridge,
            alias=self.mark,
        )
        end = Veth(
            name=ETH0,
            mac=far_mac,
            mtu=self._mtu(bridge),
            peer_netns=switch,
            peer_name=port,
            peer_mac=near_mac,
            alias=self.mark,
        )
        return near, end

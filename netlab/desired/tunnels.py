"""How Pods reach the Pods of other Nodes: a route to each Node (host-gw), or a tunnel between all of them (vxlan). Pure.

    host-gw   10.244.2.0/24 via 172.18.0.3 dev eth0          the other Node is the gateway of its Pods
    vxlan     10.244.2.0/24 via 10.244.2.0 dev vxlan.1       the gateway is at the other end of the tunnel
              10.244.2.0 has the MAC 02:...                  a neighbour that is written down
              the MAC 02:... is at 172.18.0.3                an entry of the tunnel's forwarding table

What flannel builds, of the same parts: network 1 on port 8472, each Node's end with the first address of its Pods' subnet.
Nothing is learned and nothing is asked for: there is no broadcast through the tunnel. Its packets are of the lab's primary IP
family, what it carries is of each. The gateways of IPv6 are the ends' link-local addresses: Linux takes no other one while a
route that is to be replaced covers it (ip6_route_check_nh_onlink).
Source: flannel backend/vxlan; RFC 7348; ip-link(8), bridge(8).
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from netlab.desired.assignments import NodeAssignment
from netlab.model.lab import LabSpec
from netlab.netstate.links import Entry, FdbEntry, Neighbour, Route, Vxlan, is_ipv6
from netlab.netstate.names import IfName, link_local, mac_address

VNI, PORT = 1, 8472
ETH0, TUNNEL = IfName("eth0"), IfName(f"vxlan.{VNI}")


def tunnel(lab: str, name: str, node: NodeAssignment, spec: LabSpec, mark: str) -> Vxlan:
    """Return a Node's end of the tunnel."""
    mac = mac_address(lab, name, TUNNEL)
    return Vxlan(name=TUNNEL, mac=mac, mtu=spec.pod_mtu, vni=VNI, port=PORT, local=node.ip, alias=mark)


def addresses(node: NodeAssignment) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the addresses of a Node's end, the first of its Pods' subnets, which no Pod gets, and them as subnets."""
    networks = [ip_network(cidr) for cidr in node.pod_cidrs]
    ips = tuple(str(network.network_address) for network in networks)
    return ips, tuple(f"{ip}/{network.max_prefixlen}" for ip, network in zip(ips, networks, strict=True))


def entries(lab: str, name: str, node: NodeAssignment) -> Iterator[Entry]:
    """Yield what every other end knows of this Node's one."""
    mac = mac_address(lab, name, TUNNEL)
    yield FdbEntry(dev=TUNNEL, mac=mac, dst=node.ip)
    yield from (Neighbour(dev=TUNNEL, address=_gateway(cidr, mac), mac=mac) for cidr in node.pod_cidrs)


def routes(lab: str, name: str, node: NodeAssignment, spec: LabSpec) -> Iterator[Route]:
    """Yield every other Node's routes to the Pods of this one, a route for each family."""
    for ip, cidr in zip(node.ips, node.pod_cidrs, strict=True):
        if spec.network == "vxlan":
            via = _gateway(cidr, mac_address(lab, name, TUNNEL))
            yield Route(destination=cidr, dev=TUNNEL, via=via, onlink=not is_ipv6(via))
        else:
            yield Route(destination=cidr, dev=ETH0, via=ip)


def _gateway(cidr: str, mac: str) -> str:
    return link_local(mac) if is_ipv6(cidr) else str(ip_network(cidr).network_address)

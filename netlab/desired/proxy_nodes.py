"""Nodes as their rules for Services need them: where they are, and which of their addresses have NodePorts. Pure.

Source: kube-proxy nodeport_addresses.go (nodePortAddresses, the defaults of each mode); kube-proxy.md section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import NamedTuple

from netlab.desired.assignments import Assignments, NodeAssignment
from netlab.desired.backends import Place
from netlab.desired.endpoints import ZONE_LABEL
from netlab.desired.ipam import gateway
from netlab.model.families import family_of
from netlab.model.kube_proxy import ProxyMode
from netlab.model.lab import Cluster, LabSpec
from netlab.model.node import Node
from netlab.model.ranges import PRIMARY, parse_range
from netlab.remembered import remembered_by

LOOPBACK = "127.0.0.1"


class ProxyNode(NamedTuple):
    """A Node as its rules need it: where it is, its own addresses (primary first), and which of them have NodePorts."""

    place: Place
    ips: tuple[str, ...]
    node_port_ips: tuple[str, ...]


@remembered_by(lambda cluster, assignments: (cluster.lab, cluster.of_kind(Node), assignments.nodes))
def proxy_nodes(cluster: Cluster, assignments: Assignments) -> tuple[ProxyNode, ...]:
    """Return every Node that has an address."""
    spec = cluster.lab.spec
    zones = {node.metadata.name: node.metadata.labels.get(ZONE_LABEL, "") for node in cluster.nodes}
    found = []
    for name, given in assignments.nodes.items():
        ips = node_port_ips_of(spec, name, given)
        found.append(ProxyNode(place=Place(name, zones.get(name, "")), ips=given.ips, node_port_ips=ips))
    return tuple(found)


def node_port_ips_of(spec: LabSpec, name: str, given: NodeAssignment) -> tuple[str, ...]:
    """Return which addresses of a Node have NodePorts. Its loopback can have them in iptables mode only, and in IPv4."""
    mode = spec.proxy_mode(name)
    others = [gateway(cidr) for cidr in given.pod_cidrs]
    if mode == "iptables" and "IPv4" in map(family_of, given.ips):
        others.append(LOOPBACK)
    return node_port_ips(spec.kube_proxy.node_port_addresses, mode, given.ips, others)


def node_port_ips(ranges: Sequence[str], mode: ProxyMode, ips: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Return which addresses of a Node have NodePorts: `ips` are its own, `others` those towards its Pods and itself.

    Without ranges its own in nftables mode, all in iptables mode. A list of ranges of one family says nothing of the other.
    """
    if not ranges:
        return (*ips, *(others if mode == "iptables" else ()))
    if PRIMARY in ranges:
        return tuple(ips)
    networks = [parse_range(text) for text in ranges]
    versions = {network.version for network in networks}
    every = map(ip_address, (*ips, *others))
    found = (one for one in every if one.version not in versions or any(one in network for network in networks))
    return tuple(map(str, found))

"""How a Node's rules know the packets of Pods, which keep their source on the way to a ClusterIP (kube-proxy: detect local).

    ClusterCIDR .......... their source is in the subnet of all Pods
    NodeCIDR ............. their source is in the subnet of this Node's Pods
    BridgeInterface ...... they come from the Node's bridge for Pods
    InterfaceNamePrefix .. they come from an interface whose name begins so: the bridge too, because Pods are its ports
    None ................. they cannot be known; nobody's source is replaced
Source: kube-proxy util/localdetector.go; KEP-2450.
"""

from __future__ import annotations

from netlab.desired.assignments import NodeAssignment
from netlab.desired.iptables_services import PodSource
from netlab.desired.packet_keys import IPV4, IPV6, Family, family_of
from netlab.desired.service_chains import PodMatch
from netlab.desired.wiring import CNI0
from netlab.model.families import listed
from netlab.model.lab import LabSpec
from netlab.netstate import iptables

PREFIX = "cni"


def pod_matches(spec: LabSpec, node: NodeAssignment) -> dict[Family, PodMatch]:
    """Return for each family how the rules of this Node know Pods."""
    match spec.kube_proxy.detect_local_mode:
        case "ClusterCIDR":
            return {family_of(cidr): _from(cidr) for cidr in listed(spec.pod_subnet)}
        case "NodeCIDR":
            return {family_of(cidr): _from(cidr) for cidr in node.pod_cidrs}
        case "BridgeInterface":
            return dict.fromkeys((IPV4, IPV6), PodMatch(f'iifname "{CNI0}"', f'iifname != "{CNI0}"'))
        case "InterfaceNamePrefix":
            return dict.fromkeys((IPV4, IPV6), PodMatch(f'iifname "{PREFIX}*"', f'iifname != "{PREFIX}*"'))
        case "None":
            return dict.fromkeys((IPV4, IPV6), PodMatch("", ""))


def _from(cidr: str) -> PodMatch:
    family = family_of(cidr)
    return PodMatch(f"{family.saddr} {cidr}", f"{family.saddr} != {cidr}")


def pod_sources(spec: LabSpec, node: NodeAssignment) -> dict[iptables.Family, PodSource]:
    """Return the same for rules of iptables."""
    everywhere: dict[iptables.Family, PodSource] = dict.fromkeys(iptables.PROGRAMS, PodSource())
    match spec.kube_proxy.detect_local_mode:
        case "ClusterCIDR":
            return everywhere | {iptables.family_of(cidr): PodSource(src=cidr) for cidr in listed(spec.pod_subnet)}
        case "NodeCIDR":
            return everywhere | {iptables.family_of(cidr): PodSource(src=cidr) for cidr in node.pod_cidrs}
        case "BridgeInterface":
            return dict.fromkeys(iptables.PROGRAMS, PodSource(dev=CNI0))
        case "InterfaceNamePrefix":
            return dict.fromkeys(iptables.PROGRAMS, PodSource(dev=f"{PREFIX}+"))
        case "None":
            return everywhere

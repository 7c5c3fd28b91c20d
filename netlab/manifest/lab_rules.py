"""What the fields of a Lab demand of each other: the same IP families, room for every Node, and ranges that do not touch.

Source: DESIGN section 1; kube-controller-manager --node-cidr-mask-size; kubeadm validation (dual stack, the smallest and the
largest serviceSubnet); RFC 6890 for ranges that Linux treats specially; RFC 8200 section 5 for the MTU.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeAlias

from netlab.manifest.rules import repeated
from netlab.model.addresses import cidrs
from netlab.model.codec import FieldProblem
from netlab.model.families import FAMILIES_OF, IPFamily, family_of, listed, word_of
from netlab.model.formats import dns_label, dns_parts
from netlab.model.lab import Lab, LabSpec
from netlab.model.wire import wire_name
from netlab.model.words import shown

Network: TypeAlias = IPv4Network | IPv6Network
Subnets: TypeAlias = dict[tuple[str, IPFamily], Network]
"""Subnets by their field (`podSubnet`) and family."""

SUBNETS = ("node_subnet", "pod_subnet", "service_subnet", "outside_subnet", "load_balancer_subnet")
MAX_NAME = 20  # it starts every namespace's name
MAX_NODES = 64
MAX_DOMAIN = 120  # <service>.<namespace>.svc. and the domain are at most 253
MAX_SERVICE_PREFIX: dict[IPFamily, int] = {"IPv4": 28, "IPv6": 124}  # the cluster DNS is the tenth address
MIN_SERVICE_PREFIX: dict[IPFamily, int] = {"IPv4": 0, "IPv6": 108}  # whoever keeps a bit for each address has room for no more
IPV6_MTU = 1280
SPECIAL: tuple[tuple[str, Network], ...] = (
    ("this host", IPv4Network("0.0.0.0/8")),
    ("loopback", IPv4Network("127.0.0.0/8")),
    ("link-local", IPv4Network("169.254.0.0/16")),
    ("multicast and reserved", IPv4Network("224.0.0.0/3")),
    ("loopback and reserved", IPv6Network("::/8")),
    ("link-local", IPv6Network("fe80::/10")),
    ("multicast", IPv6Network("ff00::/8")),
)


def lab_problems(lab: Lab) -> Iterator[FieldProblem]:
    """Yield the faults of a Lab."""
    spec, name = lab.spec, lab.metadata.name
    if message := name and (
        dns_label(name) or ("" if len(name) <= MAX_NAME else f"must be no more than {MAX_NAME} characters")
    ):
        yield "metadata.name", f"{message}, is {shown(name)}", ""
    if not 1 <= len(spec.nodes) <= MAX_NODES:
        yield "spec.nodes", f"must have between 1 and {MAX_NODES} items, has {len(spec.nodes)}", ""
    yield from repeated((node.name for node in spec.nodes), "spec.nodes", "name")
    if message := dns_parts(spec.cluster_domain):
        yield "spec.clusterDomain", f"{message}, is {shown(spec.cluster_domain)}", ""
    elif len(spec.cluster_domain) > MAX_DOMAIN:
        yield "spec.clusterDomain", f"must be no more than {MAX_DOMAIN} characters: names of Services stand before it", ""
    yield from _families(spec)
    subnets: Subnets = {
        (wire_name(name), family_of(part)): ip_network(part)
        for name in SUBNETS
        if not cidrs(text := getattr(spec, name))
        for part in listed(text)
    }
    yield from _overlaps(subnets)
    yield from _lacks_of_room(spec, subnets)


def _families(spec: LabSpec) -> Iterator[FieldProblem]:
    """All subnets are of the families of podSubnet, in that order, and so is ipFamily; IPv6 needs room for its packets."""
    families = spec.families
    if set(FAMILIES_OF.get(spec.ip_family, families)) != set(families):
        yield "spec.ipFamily", f"is {spec.ip_family}, but podSubnet is of {' and '.join(families)}", word_of(families)
    for name in SUBNETS:
        text = getattr(spec, name)
        if not cidrs(text) and (found := tuple(map(family_of, listed(text)))) != families:
            wanted = " and ".join(families)
            yield f"spec.{wire_name(name)}", f"is of {' and '.join(found)}, but the lab is of {wanted}, in this order", ""
    if "IPv6" in families and spec.pod_mtu < IPV6_MTU:
        least = IPV6_MTU + spec.mtu - spec.pod_mtu
        where = " in the tunnel" if spec.network == "vxlan" else ""
        yield "spec.mtu", f"must be at least {least}, the smallest that IPv6 can use{where}, is {spec.mtu}", ""


def _overlaps(subnets: Subnets) -> Iterator[FieldProblem]:
    for (field, _), network in subnets.items():
        for name, special in SPECIAL:
            if _share(network, special):
                yield f"spec.{field}", f"{network} overlaps {special}, which means {name} to Linux", "choose another range"
    for ((first, _), one), ((second, _), other) in itertools.combinations(subnets.items(), 2):
        if _share(one, other):
            yield f"spec.{second}", f"{second} {other} overlaps {first} {one}", "choose ranges that share no address"


def _share(one: Network, other: Network) -> bool:
    """Tell whether two ranges have an address in common; those of different families never do."""
    return one.version == other.version and one.overlaps(other)


def _lacks_of_room(spec: LabSpec, subnets: Subnets) -> Iterator[FieldProblem]:
    for (field, family), network in subnets.items():
        match field:
            case "nodeSubnet":
                yield from _lacks_of_node_addresses(spec, network)
            case "podSubnet":
                yield from _lacks_of_pod_subnets(spec, network, family)
            case "serviceSubnet":
                yield from _wrong_sizes(network, family)
            case _:
                pass


def _lacks_of_node_addresses(spec: LabSpec, nodes: Network) -> Iterator[FieldProblem]:
    count, room = len(spec.nodes), max(nodes.num_addresses - 2, 0)
    if room < count + 1:
        message = f"{nodes} has {room} addresses, {count} nodes and outside need {count + 1}"
        yield "spec.nodeSubnet", message, "choose a larger range"


def _wrong_sizes(services: Network, family: IPFamily) -> Iterator[FieldProblem]:
    if services.prefixlen > MAX_SERVICE_PREFIX[family]:
        message = f"{services} is too small for the cluster DNS, its tenth address"
        yield "spec.serviceSubnet", message, f"/{MAX_SERVICE_PREFIX[family]}"
    if services.prefixlen < MIN_SERVICE_PREFIX[family]:
        yield "spec.serviceSubnet", f"{services} is too large", f"/{MIN_SERVICE_PREFIX[family]}"


def _lacks_of_pod_subnets(spec: LabSpec, pods: Network, family: IPFamily) -> Iterator[FieldProblem]:
    count, mask = len(spec.nodes), spec.node_mask(family)
    if mask < pods.prefixlen:
        field = "nodeCIDRMask" if family == "IPv4" else "nodeCIDRMaskIPv6"
        yield f"spec.{field}", f"must be at least {pods.prefixlen}, the mask of podSubnet, is {mask}", ""
    elif 2 ** (mask - pods.prefixlen) < count:
        room = 2 ** (mask - pods.prefixlen)
        message = f"{pods} holds {room} subnets of /{mask}, {count} nodes need one each"
        yield "spec.podSubnet", message, "choose a larger range"

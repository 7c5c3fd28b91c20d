"""What the fields of a Lab demand of each other: room for every Node, and address ranges that do not touch.

Source: DESIGN section 1; kube-controller-manager --node-cidr-mask-size; RFC 6890 for ranges that Linux treats specially.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from ipaddress import IPv4Network

from netlab.manifest.rules import repeated
from netlab.model.codec import FieldProblem
from netlab.model.formats import dns_label, dns_parts, ipv4_cidr
from netlab.model.lab import Lab, LabSpec
from netlab.model.words import shown

MAX_NAME = 20  # it starts every namespace's name
MAX_NODES = 64
MAX_DOMAIN = 120  # <service>.<namespace>.svc. and the domain are at most 253
MAX_SERVICE_PREFIX = 28  # the cluster DNS is the tenth address
SPECIAL = {
    "this host": IPv4Network("0.0.0.0/8"),
    "loopback": IPv4Network("127.0.0.0/8"),
    "link-local": IPv4Network("169.254.0.0/16"),
    "multicast and reserved": IPv4Network("224.0.0.0/3"),
}


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
    subnets = {field: IPv4Network(text) for field, text in _subnet_texts(spec) if not ipv4_cidr(text)}
    yield from _overlaps(subnets)
    yield from _lacks_of_room(spec, subnets)


def _subnet_texts(spec: LabSpec) -> tuple[tuple[str, str], ...]:
    return (
        ("nodeSubnet", spec.node_subnet),
        ("podSubnet", spec.pod_subnet),
        ("serviceSubnet", spec.service_subnet),
        ("outsideSubnet", spec.outside_subnet),
    )


def _overlaps(subnets: dict[str, IPv4Network]) -> Iterator[FieldProblem]:
    for field, network in subnets.items():
        for name, special in SPECIAL.items():
            if network.overlaps(special):
                yield f"spec.{field}", f"{network} overlaps {special}, which means {name} to Linux", "choose another range"
    for (first, one), (second, other) in itertools.combinations(subnets.items(), 2):
        if one.overlaps(other):
            yield f"spec.{second}", f"{second} {other} overlaps {first} {one}", "choose ranges that share no address"


def _lacks_of_room(spec: LabSpec, subnets: dict[str, IPv4Network]) -> Iterator[FieldProblem]:
    count = len(spec.nodes)
    if (nodes := subnets.get("nodeSubnet")) and nodes.num_addresses - 2 < count + 1:
        room = max(nodes.num_addresses - 2, 0)
        yield (
            "spec.nodeSubnet",
            f"{nodes} has {room} addresses, {count} nodes and outside need {count + 1}",
            "choose a larger range",
        )
    if (services := subnets.get("serviceSubnet")) and services.prefixlen > MAX_SERVICE_PREFIX:
        yield "spec.serviceSubnet", f"{services} is too small for the cluster DNS, its tenth address", f"/{MAX_SERVICE_PREFIX}"
    pods = subnets.get("podSubnet")
    if pods is None:
        return
    if spec.node_cidr_mask < pods.prefixlen:
        yield "spec.nodeCIDRMask", f"must be at least {pods.prefixlen}, the mask of podSubnet, is {spec.node_cidr_mask}", ""
    elif 2 ** (spec.node_cidr_mask - pods.prefixlen) < count:
        room = 2 ** (spec.node_cidr_mask - pods.prefixlen)
        yield (
            "spec.podSubnet",
            f"{pods} holds {room} subnets of /{spec.node_cidr_mask}, {count} nodes need one each",
            "choose a larger range",
        )

"""Addresses from pools: which one is next. Pure; a pool is a CIDR and what is taken of it.

Plans by position: the fabric gives `outside` its first host and the Nodes the ones behind it; each Node gets one Pod subnet,
in order, and its bridge the first host of that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import IPv4Address, IPv4Network

from netlab.model.lab import LabSpec

RESERVED_SERVICE_HOSTS = (1, 10)
"""Hosts of the service subnet that are never handed out: the API server's (.1) and the cluster DNS' (.10)."""


def outside_address(spec: LabSpec) -> str:
    """Return the fabric address of `outside`: the first host, which is also the way out of the cluster."""
    return str(IPv4Network(spec.node_subnet)[1])


def node_addresses(spec: LabSpec) -> Iterator[str]:
    """Yield the fabric addresses for Nodes, from the second host on."""
    network = IPv4Network(spec.node_subnet)
    yield from (str(network[number]) for number in range(2, network.num_addresses - 1))


def pod_subnets(spec: LabSpec) -> Iterator[str]:
    """Yield the Pod subnets for Nodes: from the second of the pool on, as kind has them; the very first comes last."""
    subnets = IPv4Network(spec.pod_subnet).subnets(new_prefix=spec.node_cidr_mask)
    first = next(subnets)
    yield from map(str, subnets)
    yield str(first)


def gateway(pod_cidr: str) -> str:
    """Return the address of a Node's bridge: the first host of its Pod subnet."""
    return str(IPv4Network(pod_cidr)[1])


def api_server(subnet: str) -> str:
    """Return the first host of the service subnet: the Service `kubernetes` in a cluster, and nobody else's here."""
    return str(IPv4Network(subnet)[1])


def next_pod_address(pod_cidr: str, taken: Collection[str]) -> str | None:
    """Return the lowest free host behind the bridge's, or None if the Node is full."""
    network = IPv4Network(pod_cidr)
    hosts = (str(network[number]) for number in range(2, network.num_addresses - 1))
    return next((host for host in hosts if host not in taken), None)


def next_cluster_ip(subnet: str, taken: Collection[str], hint: int) -> str | None:
    """Return a free address of the service subnet, or None. The search begins at a place that `hint` names and wraps around.

    A Service of the same name so gets the same address in every lab, and an address just given up is not the next one given.
    """
    network = IPv4Network(subnet)
    size = network.num_addresses - 2
    reserved = {str(network[number]) for number in RESERVED_SERVICE_HOSTS if number <= size}
    for step in range(size):
        found = str(network[1 + (hint + step) % size])
        if found not in taken and found not in reserved:
            return found
    return None


def next_port(first: int, last: int, taken: Collection[int], hint: int) -> int | None:
    """Return a free port from `first` to `last`, searched from a place that `hint` names, or None."""
    size = last - first + 1
    return next((port for step in range(size) if (port := first + (hint + step) % size) not in taken), None)


def is_inside(address: str, subnet: str) -> bool:
    """Tell whether an address can belong to a host of the subnet."""
    network = IPv4Network(subnet)
    return IPv4Address(address) in network and IPv4Address(address) not in {network.network_address, network.broadcast_address}

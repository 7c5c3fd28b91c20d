"""Addresses from pools: which one is next. Pure; a pool is a CIDR and what is taken of it.

Plans by position: the fabric gives `outside` its first host and the Nodes the ones behind it; each Node gets one Pod subnet,
in order, and its bridge the first host of that. What has addresses of several IP families has the same place in each:
10.244.1.7 and fd00:10:244:1::7 are one Pod's. So addresses of one name also change owner together.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import chain

from netlab.model.families import family_of, listed
from netlab.model.lab import LabSpec

RESERVED_SERVICE_HOSTS = (1, 10)
"""Hosts of the service subnet that are never handed out: the API server's (.1) and the cluster DNS' (.10)."""


def outside_addresses(spec: LabSpec) -> tuple[str, ...]:
    """Return the fabric addresses of `outside`, one of each family: the first hosts, which are also the way out."""
    return tuple(str(ip_network(subnet)[1]) for subnet in listed(spec.node_subnet))


def node_addresses(spec: LabSpec) -> Iterator[tuple[str, ...]]:
    """Yield the fabric addresses for Nodes, one of each family, from the second host on."""
    return _hosts(listed(spec.node_subnet))


def pod_subnets(spec: LabSpec) -> Iterator[tuple[str, ...]]:
    """Yield the Pod subnets for Nodes, by family: from the second of the pool on, as kind has them; the first is last."""
    pools = (
        map(str, ip_network(subnet).subnets(new_prefix=spec.node_mask(family_of(subnet)))) for subnet in listed(spec.pod_subnet)
    )
    subnets = zip(*pools, strict=False)
    first = next(subnets)
    return chain(subnets, (first,))


def gateway(pod_cidr: str) -> str:
    """Return the address of a Node's bridge: the first host of its Pod subnet."""
    return str(ip_network(pod_cidr)[1])


def api_server(subnet: str) -> str:
    """Return the first host of the service subnet: that of the Service `kubernetes`, and nobody else's."""
    return str(ip_network(subnet)[1])


def next_pod_addresses(pod_cidrs: Collection[str], taken: Collection[str]) -> tuple[str, ...] | None:
    """Return the lowest host behind the bridge's that is free in all of the subnets, or None if the Node is full."""
    return next((hosts for hosts in _hosts(pod_cidrs) if not any(host in taken for host in hosts)), None)


def _hosts(subnets: Collection[str]) -> Iterator[tuple[str, ...]]:
    """Yield the hosts of the subnets side by side, from the second on, as long as each has one."""
    networks = [ip_network(subnet) for subnet in subnets]
    for number in range(2, min(network.num_addresses for network in networks) - 1):
        yield tuple(str(network[number]) for network in networks)


def next_cluster_ip(subnet: str, taken: Collection[str], hint: int) -> str | None:
    """Return a free address of the service subnet, or None. The search begins at a place that `hint` names and wraps around.

    A Service of the same name so gets the same address in every lab, and an address just given up is not the next one given.
    """
    network = _network(subnet)
    size = network.num_addresses - 2
    for step in range(size):
        number = 1 + (hint + step) % size
        if number not in RESERVED_SERVICE_HOSTS and (found := str(network[number])) not in taken:
            return found
    return None


@functools.lru_cache(maxsize=64)
def _network(subnet: str) -> IPv4Network | IPv6Network:
    """A lab has few subnets, and every Service asks for one of them."""
    return ip_network(subnet)


def next_port(first: int, last: int, taken: Collection[int], hint: int) -> int | None:
    """Return a free port from `first` to `last`, searched from a place that `hint` names, or None."""
    size = last - first + 1
    return next((port for step in range(size) if (port := first + (hint + step) % size) not in taken), None)


def is_inside(address: str, subnet: str) -> bool:
    """Tell whether an address can belong to a host of the subnet."""
    network, host = _network(subnet), ip_address(address)  # an address of the other family is in no subnet of this one
    return host in network and host not in {network.network_address, network.broadcast_address}

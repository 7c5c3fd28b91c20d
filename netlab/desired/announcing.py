"""Which Node the machines outside send packets for a load balancer or an externalIP to: a route for each address. Pure.

A load balancer that is a proxy has its address itself (service_frontends.py), and none is announced.

One Node announces an address, as in MetalLB's layer 2 mode; under externalTrafficPolicy Local one that has endpoints, as a load
balancer finds out by its health checks. When a Node goes only its addresses move: each goes to the Node with its best score.
Source: MetalLB, Concepts (layer 2); RFC 2992 and rendezvous hashing for the choice.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address, ip_network

from netlab.desired.frontend import Frontend, Frontends
from netlab.desired.proxy_nodes import ProxyNode
from netlab.desired.wiring import ETH0
from netlab.model.families import family_of, listed
from netlab.model.lab import LabSpec
from netlab.netstate.links import Route
from netlab.netstate.names import digest
from netlab.remembered import remembered_portions

ANNOUNCED = {"LoadBalancer", "ExternalIP"}


def announced_routes(found: Frontends, nodes: Sequence[ProxyNode], spec: LabSpec) -> Iterator[Route]:
    """Yield the routes of `outside`. `nodes` are those whose machines are on; addresses of the fabric need no route."""
    if not nodes:
        return
    fabric = [ip_network(subnet) for subnet in listed(spec.node_subnet)]
    useful: dict[str, set[str]] = {}
    everywhere = tuple(itertools.chain.from_iterable(_announced(found.everywhere)))
    for node in nodes:
        for item in (*everywhere, *found.own.get(node.place.node, ())):
            if item.kind in ANNOUNCED and not any(ip_address(item.address) in subnet for subnet in fabric):
                useful.setdefault(item.address, set()).update([node.place.node] if item.targets else [])
    for address, names in sorted(useful.items()):
        chosen = _choose(address, [node for node in nodes if node.place.node in names] or nodes)
        via = next(ip for ip in chosen.ips if family_of(ip) == family_of(address))
        yield Route(destination=address, dev=ETH0, via=via)


@remembered_portions
def _announced(frontends: Sequence[Frontend]) -> tuple[Frontend, ...]:
    """Those of these that are announced: of ten thousand Services most are not."""
    return tuple(item for item in frontends if item.kind in ANNOUNCED)


def _choose(address: str, nodes: Iterable[ProxyNode]) -> ProxyNode:
    return max(nodes, key=lambda node: digest(address, node.place.node))

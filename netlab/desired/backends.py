"""Who gets the traffic of a Service port: the backends that its EndpointSlices name, and which of them one Node uses. Pure.

    ready ones; if there is none, those that still serve while they terminate (decided for all Nodes, and for this one alone)
    with hints: only those meant for this Node or its zone, if every ready one has a hint and one of them means us

Source: kube-proxy topology.go (CategorizeEndpoints), endpointslicecache.go; KEP-1669, KEP-2433, KEP-3015.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from netlab.model.families import IPFamily
from netlab.model.service import Endpoint, EndpointSlice, ServicePort


class Target(NamedTuple):
    """Where a packet for a Service goes in the end."""

    ip: str
    port: int


class Backend(NamedTuple):
    """One endpoint of one Service port; `node` is "" for one that is nowhere in the cluster, and so never local."""

    target: Target
    is_ready: bool
    is_serving: bool
    is_last_resort: bool
    node: str = ""
    zones: frozenset[str] = frozenset()
    nodes: frozenset[str] = frozenset()


class Place(NamedTuple):
    """Where it is decided: a Node and its zone ("" if it has none)."""

    node: str
    zone: str = ""


def backends(slices: Iterable[EndpointSlice], port: ServicePort, family: IPFamily = "IPv4") -> tuple[Backend, ...]:
    """Return the backends of a Service port, sorted by address. Only the first address of an endpoint counts.

    Of the same address and port twice, the one that is not terminating remains, or else the one that comes first.
    """
    found: dict[Target, tuple[bool, Backend]] = {}
    for item in slices:
        if item.address_type != family:
            continue
        for target in item.ports:
            if (target.name, target.protocol) == (port.name, port.protocol):
                for endpoint in item.endpoints:
                    key = Target(endpoint.addresses[0], target.port)
                    terminating = endpoint.conditions.terminating
                    if key not in found or (found[key][0] and not terminating):
                        found[key] = terminating, _backend(key, endpoint)
    if len(found) > 1:
        return tuple(backend for _, backend in sorted(found.values(), key=_in_order))
    return tuple(backend for _, backend in found.values())


def _backend(target: Target, endpoint: Endpoint) -> Backend:
    conditions, hints = endpoint.conditions, endpoint.hints
    return Backend(
        target=target,
        is_ready=conditions.ready,
        is_serving=conditions.serving or conditions.ready,
        is_last_resort=not conditions.ready and conditions.serving and conditions.terminating,
        node=endpoint.node_name,
        zones=frozenset(zone.name for zone in hints.for_zones) if hints else frozenset(),
        nodes=frozenset(node.name for node in hints.for_nodes) if hints else frozenset(),
    )


def _in_order(item: tuple[bool, Backend]) -> tuple[int, tuple[int, ...], int]:
    ip, port = item[1].target
    if ":" in ip:
        return 6, tuple(ip.encode()), port
    return 4, tuple(map(int, ip.split("."))), port


def for_everybody(found: Sequence[Backend], place: Place | None = None) -> tuple[Target, ...]:
    """Return who gets traffic under the policy Cluster. Without a place hints are not looked at."""
    ready = [item for item in found if item.is_ready]
    if ready:
        return tuple(item.target for item in (_near(ready, place) if place else ready))
    return tuple(item.target for item in found if item.is_last_resort)


def for_local(found: Sequence[Backend], node: str) -> tuple[Target, ...]:
    """Return who gets traffic under the policy Local on this Node. Hints say nothing here."""
    here = [item for item in found if item.node == node]
    return tuple(item.target for item in here if item.is_ready) or tuple(item.target for item in here if item.is_last_resort)


def has_hints(found: Iterable[Backend]) -> bool:
    """Tell whether it may matter which Node asks: an endpoint is meant for some."""
    return any(item.zones or item.nodes for item in found)


def _near(ready: list[Backend], place: Place) -> list[Backend]:
    """Those meant for the Node, else for its zone; all of them unless every one is meant for somebody, and one for us."""
    for wanted, meant in ((place.node, [item.nodes for item in ready]), (place.zone, [item.zones for item in ready])):
        if wanted and all(meant) and any(wanted in names for names in meant):
            return [item for item, names in zip(ready, meant, strict=True) if wanted in names]
    return ready

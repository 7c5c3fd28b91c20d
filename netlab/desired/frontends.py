"""Where all Services of a lab are reached: what follows for each of them (service_frontends.py), put together. Pure.

What is known of a Service is kept as long as nothing of it has changed: of ten thousand one is looked at anew.
What is *not* here: headless and ExternalName Services, which have no address; and how any of this is written as rules.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from netlab.desired.assignments import Assignments, PortKey
from netlab.desired.endpoints import by_service
from netlab.desired.frontend import Frontend, Frontends
from netlab.desired.ipam import outside_addresses
from netlab.desired.power import stopped_nodes
from netlab.desired.proxy_nodes import ProxyNode, proxy_nodes
from netlab.desired.service_frontends import ServiceInputs, service_frontends
from netlab.model.lab import Cluster, LabSpec
from netlab.model.service import EndpointSlice, Service
from netlab.remembered import remembered, remembered_by, remembered_columns, remembered_each, remembered_portions

_NO_PORTS: Mapping[PortKey, int] = {}


@remembered
def frontends(cluster: Cluster, slices: Sequence[EndpointSlice], assignments: Assignments) -> Frontends:
    """Return every frontend of every machine, in the order of the Services."""
    nodes = proxy_nodes(cluster, assignments)
    behind, inputs = by_service(slices), _inputs(cluster, assignments, nodes)
    parts = _together(_of_each_service(inputs, tuple(map(behind.groups.__getitem__, _numbers(inputs, behind.numbers)))))
    everywhere = tuple(itertools.chain.from_iterable(part.everywhere for part in parts))
    own: dict[str, list[Frontend]] = {node.place.node: [] for node in nodes}
    for part in parts:
        for name, mine in part.own.items():
            own[name] += mine
    balancer = tuple(_at_balancer(cluster, assignments, parts)) if _balancer_ips(cluster.lab.spec) else ()
    if _have_external_ips(cluster.services):
        return _without_repeated(everywhere, own)._replace(balancer=balancer)
    return Frontends(everywhere, {name: tuple(mine) for name, mine in own.items()}, balancer)


@remembered
def _numbers(inputs: tuple[ServiceInputs, ...], numbers: Mapping[tuple[str, str], int]) -> tuple[int, ...]:
    """The number of each Service's slices among those of all."""
    return tuple(numbers.get(one.name, -1) for one in inputs)


@remembered_by(
    lambda cluster, assignments, nodes: (
        cluster.lab, cluster.services, nodes, assignments.cluster_ips, assignments.load_balancers, assignments.node_ports,
    )
)  # fmt: skip
def _inputs(cluster: Cluster, assignments: Assignments, nodes: tuple[ProxyNode, ...]) -> tuple[ServiceInputs, ...]:
    """What the frontends of each Service with a ClusterIP follow from besides its slices."""
    config = cluster.lab.spec.kube_proxy
    cluster_ips, load_balancers = assignments.cluster_ips, assignments.load_balancers
    balancer_ips = _balancer_ips(cluster.lab.spec)
    return _inputs_of_each(
        (
            service, config, nodes, cluster_ips.get(service.key, ()), load_balancers.get(service.key, ()),
            assignments.node_ports if service.has_node_ports else _NO_PORTS, balancer_ips,
        )
        for service in cluster.services
        if service.has_cluster_ip
    )  # fmt: skip


@remembered
def _balancer_ips(spec: LabSpec) -> tuple[str, ...]:
    return outside_addresses(spec) if spec.load_balancer_ip_mode == "Proxy" else ()


@remembered_each
def _inputs_of_each(service: Service, *rest: Any) -> ServiceInputs:
    """The same object for a Service of which nothing has changed."""
    return ServiceInputs((service.metadata.namespace, service.metadata.name), service, *rest)


@remembered_columns
def _of_each_service(inputs: ServiceInputs, slices: tuple[EndpointSlice, ...]) -> tuple[Frontends, ...]:
    return tuple(service_frontends(inputs, slices))


@remembered_portions
def _together(services: Sequence[tuple[Frontends, ...]]) -> Frontends:
    """What several Services have."""
    found = [part for each in services for part in each]
    own: dict[str, list[Frontend]] = {}
    for part in found:
        for name, mine in part.own.items():
            own.setdefault(name, []).extend(mine)
    everywhere = tuple(item for part in found for item in part.everywhere)
    balancer = tuple(item for part in found for item in part.balancer)
    return Frontends(everywhere, {name: tuple(mine) for name, mine in own.items()}, balancer)


@remembered
def _have_external_ips(services: tuple[Service, ...]) -> bool:
    return any(service.spec.external_ips for service in services)


def _at_balancer(cluster: Cluster, assignments: Assignments, found: Iterable[Frontends]) -> Iterator[Frontend]:
    """Yield what the balancer has, without Nodes whose machines are off."""
    off = {ip for name in stopped_nodes(cluster.lab) if name in assignments.nodes for ip in assignments.nodes[name].ips}
    for item in (item for part in found for item in part.balancer):
        targets = tuple(target for target in item.targets if target.ip not in off)
        yield item if targets == item.targets else item._replace(targets=targets, serving=item.serving - off)


def _without_repeated(everywhere: Iterable[Frontend], own: Mapping[str, Iterable[Frontend]]) -> Frontends:
    """Of several with the same address, protocol and port the first remains: an externalIP is nobody's to give."""
    first: dict[tuple[str, str, int], Frontend] = {}
    for item in everywhere:
        first.setdefault(item.key, item)
    mine = {name: {item.key: item for item in reversed(tuple(items)) if item.key not in first} for name, items in own.items()}
    return Frontends(tuple(first.values()), {name: tuple(reversed(items.values())) for name, items in mine.items()})

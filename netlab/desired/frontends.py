"""Where a Service is reached, and what becomes of a packet that comes there. Pure; all rules are made of this.

    reached at              from           goes to                                              its source is replaced
    ClusterIP               a Pod          policy Cluster: all; Local: this Node's              no
                            anyone else    the same                                             yes
    NodePort, externalIP,   anyone         policy Cluster: all                                  yes
    load balancer           outside        policy Local: this Node's                            no
                            a Pod          policy Local: all, by the shortcut                   no
                            the Node       policy Local: all, by the shortcut                   yes

Nobody to go to: refused if there is no endpoint anywhere, dropped if a policy Local leaves none here. internalTrafficPolicy
says nothing of the lower rows, externalTrafficPolicy nothing of the first. Who counts as an endpoint stands in backends.py.

That is so on every Node, but for load balancers whose ipMode is Proxy: of those the Nodes know nothing. The balancer is the
machine outside, and leads to the NodePorts of the Nodes that have somebody to go to; their source is replaced, and where there
is none of them clients are refused.
What is *not* here: headless and ExternalName Services, which have no address; and how any of this is written as rules.
Source: kube-proxy serviceport.go, topology.go, nftables/proxier.go; kube-proxy.md section 3; KEP-1860 (ipMode).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, NamedTuple

from netlab.desired.assignments import Assignments, PortKey
from netlab.desired.backends import Backend, Place, Target, backends, for_everybody, for_local, has_hints
from netlab.desired.endpoints import by_service
from netlab.desired.frontend import Frontend, Frontends, Kind, Masquerade, owner
from netlab.desired.ipam import outside_addresses
from netlab.desired.power import stopped_nodes
from netlab.desired.proxy_nodes import ProxyNode, proxy_nodes
from netlab.model.families import family_of
from netlab.model.kube_proxy import KubeProxy
from netlab.model.lab import Cluster, LabSpec
from netlab.model.ranges import parse_range, ranges_of
from netlab.model.service import EndpointSlice, Service, ServicePort
from netlab.remembered import remembered, remembered_by, remembered_columns, remembered_each, remembered_portions

_NO_PORTS: Mapping[PortKey, int] = {}


@remembered
def frontends(cluster: Cluster, slices: Sequence[EndpointSlice], assignments: Assignments) -> Frontends:
    """Return every frontend of every machine, in the order of the Services."""
    nodes = proxy_nodes(cluster, assignments)
    behind, given = by_service(slices), _given(cluster, assignments, nodes)
    parts = _together(_of_each_service(given, tuple(map(behind.groups.__getitem__, _numbers(given, behind.numbers)))))
    everywhere = tuple(itertools.chain.from_iterable(part.everywhere for part in parts))
    own: dict[str, list[Frontend]] = {node.place.node: [] for node in nodes}
    for part in parts:
        for name, mine in part.own.items():
            own[name] += mine
    balancer = tuple(_at_balancer(cluster, assignments, parts)) if _balancer_ips(cluster.lab.spec) else ()
    if _have_external_ips(cluster.services):
        return _without_repeated(everywhere, own)._replace(balancer=balancer)
    return Frontends(everywhere, {name: tuple(mine) for name, mine in own.items()}, balancer)


class _Given(NamedTuple):
    """What a Service's frontends follow from besides its slices; `place` is its namespace and name.

    `balancer_ips` are those of the machine outside if it is the load balancer, none if the Nodes are (ipMode VIP).
    """

    place: tuple[str, str]
    service: Service
    config: KubeProxy
    nodes: tuple[ProxyNode, ...]
    cluster_ips: tuple[str, ...]
    balancers: tuple[str, ...]
    node_ports: Mapping[PortKey, int]
    balancer_ips: tuple[str, ...]


@remembered
def _numbers(given: tuple[_Given, ...], numbers: Mapping[tuple[str, str], int]) -> tuple[int, ...]:
    """The number of each Service's slices among those of all."""
    return tuple(numbers.get(one.place, -1) for one in given)


@remembered_by(
    lambda cluster, assignments, nodes: (
        cluster.lab, cluster.services, nodes, assignments.cluster_ips, assignments.load_balancers, assignments.node_ports,
    )
)  # fmt: skip
def _given(cluster: Cluster, assignments: Assignments, nodes: tuple[ProxyNode, ...]) -> tuple[_Given, ...]:
    """What the frontends of each Service with a ClusterIP follow from besides its slices."""
    config = cluster.lab.spec.kube_proxy
    cluster_ips, balancers = assignments.cluster_ips, assignments.load_balancers
    balancer_ips = _balancer_ips(cluster.lab.spec)
    return _each_given(
        (
            service, config, nodes, cluster_ips.get(service.key, ()), balancers.get(service.key, ()),
            assignments.node_ports if service.has_node_ports else _NO_PORTS, balancer_ips,
        )
        for service in cluster.services
        if service.has_cluster_ip
    )  # fmt: skip


@remembered
def _balancer_ips(spec: LabSpec) -> tuple[str, ...]:
    return outside_addresses(spec) if spec.load_balancer_ip_mode == "Proxy" else ()


@remembered_each
def _each_given(service: Service, *rest: Any) -> _Given:
    """The same object for a Service of which nothing has changed."""
    return _Given((service.metadata.namespace, service.metadata.name), service, *rest)


@remembered_columns
def _of_each_service(given: _Given, slices: tuple[EndpointSlice, ...]) -> tuple[Frontends, ...]:
    key = given.service.key
    mine = Assignments(cluster_ips={key: given.cluster_ips}, load_balancers={key: given.balancers}, node_ports=given.node_ports)
    return tuple(service_frontends(given.service, slices, mine, given.nodes, given.config, balancer_ips=given.balancer_ips))


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


def service_frontends(
    service: Service,
    slices: Sequence[EndpointSlice],
    assignments: Assignments,
    nodes: Sequence[ProxyNode],
    config: KubeProxy,
    *,
    balancer_ips: Sequence[str] = (),
) -> Iterator[Frontends]:
    """Yield the frontends of one Service, for each of its ports and address families.

    `slices` are its own; `balancer_ips` are the balancer's own addresses, none if its load balancer is for the Nodes.
    """
    cluster_ips = assignments.cluster_ips.get(service.key, ())
    balancers = assignments.load_balancers.get(service.key, ())
    outer: list[tuple[Kind, str]] = [("ExternalIP", ip) for ip in service.spec.external_ips]
    outer += [("LoadBalancer", ip) for ip in balancers if not balancer_ips]
    for cluster_ip in cluster_ips:
        family = family_of(cluster_ip)
        mine = tuple((kind, ip) for kind, ip in outer if family_of(ip) == family)
        for port in service.spec.ports:
            made = _Port(service, port, backends(slices, port, family), config)
            node_port = assignments.node_ports.get((service.key, port.protocol, port.port), 0)
            found = made.frontends(cluster_ip, mine, node_port, nodes)
            proxied = [ip for ip in balancers if family_of(ip) == family] if balancer_ips else []
            at_balancer = tuple(made.at_balancer(ip, balancer_ips, found.own, nodes) for ip in proxied)
            yield found._replace(balancer=at_balancer) if at_balancer else found


class _Port:
    """One Service port of one family."""

    def __init__(self, service: Service, port: ServicePort, found: tuple[Backend, ...], config: KubeProxy) -> None:
        self.service, self.port, self.found = service, port, found
        self.owner, self.protocol = owner(service, port), port.protocol.lower()
        self.masquerade: Masquerade = "never" if config.detect_local_mode == "None" else "off-cluster"
        if config.masquerade_all:
            self.masquerade = "always"
        self.serving = frozenset(item.target.ip for item in found if item.is_serving and port.protocol == "UDP")
        self.is_hinted = has_hints(found)
        self.internal_local = service.spec.internal_traffic_policy == "Local"
        self.external_local = service.spec.external_traffic_policy == "Local" and service.is_external
        self.affinity_s = service.affinity_seconds
        self.anybody = for_everybody(found)

    def frontends(
        self, cluster_ip: str, outer: tuple[tuple[Kind, str], ...], node_port: int, nodes: Sequence[ProxyNode]
    ) -> Frontends:
        """Return all frontends of the port; what does not depend on the Node is made once."""
        everywhere: list[Frontend] = []
        own: dict[str, tuple[Frontend, ...]] = {}
        if not (self.internal_local or self.is_hinted):
            everywhere.append(self._internal(cluster_ip, None))
        depends = self.external_local or self.is_hinted or (bool(outer) and bool(self.service.spec.load_balancer_source_ranges))
        if not depends:
            everywhere += [self._external(kind, ip, self.port.port, None) for kind, ip in outer]
        for node in nodes:
            mine: list[Frontend] = []
            if self.internal_local or self.is_hinted:
                mine.append(self._internal(cluster_ip, node.place))
            if depends:
                mine += [self._external(kind, ip, self.port.port, node) for kind, ip in outer]
            if node_port:
                ips = (ip for ip in node.node_port_ips if family_of(ip) == family_of(cluster_ip))
                mine += [self._external("NodePort", ip, node_port, node) for ip in ips]
            if mine:
                own[node.place.node] = tuple(mine)
        return Frontends(tuple(everywhere), own)

    def at_balancer(
        self, address: str, own_ips: Sequence[str], own: Mapping[str, tuple[Frontend, ...]], nodes: Sequence[ProxyNode]
    ) -> Frontend:
        """Return the port at a balancer that leads to Nodes: to those whose NodePort, at their own address, leads on."""
        targets = tuple(
            Target(item.address, item.port)
            for node in nodes
            for item in own.get(node.place.node, ())
            if item.kind == "NodePort" and item.address in node.ips and item.targets
        )
        return Frontend(
            owner=self.owner, kind="LoadBalancer", address=address, protocol=self.protocol, port=self.port.port,
            targets=targets,
            masquerade="always",
            affinity_s=self.affinity_s,
            sources=self._sources(address, own_ips),
            serving=frozenset(target.ip for target in targets if self.protocol == "udp"),
        )  # fmt: skip

    def _internal(self, address: str, place: Place | None) -> Frontend:
        here = for_local(self.found, place.node) if self.internal_local and place else for_everybody(self.found, place)
        return Frontend(
            owner=self.owner, kind="ClusterIP", address=address, protocol=self.protocol, port=self.port.port,
            targets=here,
            masquerade=self.masquerade,
            otherwise="drop" if self.anybody else "reject",
            affinity_s=self.affinity_s,
            serving=self.serving,
            policy="Local" if self.internal_local else "Cluster",
        )  # fmt: skip

    def _external(self, kind: Kind, address: str, port: int, node: ProxyNode | None) -> Frontend:
        everybody = for_everybody(self.found, node.place if node else None)
        is_local = self.external_local and node is not None
        return Frontend(
            owner=self.owner, kind=kind, address=address, protocol=self.protocol, port=port,
            targets=for_local(self.found, node.place.node) if is_local and node else everybody,
            masquerade="never" if is_local else "always",
            otherwise="drop" if self.anybody else "reject",
            shortcut=everybody if is_local else (),
            affinity_s=self.affinity_s,
            serving=self.serving,
            policy="Local" if is_local else "Cluster",
            sources=self._sources(address, node.ips if node else ()) if kind == "LoadBalancer" else (),
        )  # fmt: skip

    def _sources(self, address: str, own_ips: Sequence[str]) -> tuple[str, ...]:
        """Who may come to the load balancer; where the machine itself may, its load balancer's address may be its source."""
        ranges = ranges_of(self.service.spec.load_balancer_source_ranges, like=address)
        networks = [parse_range(text) for text in ranges]
        if any(ip_address(ip) in network for ip in own_ips for network in networks):
            return ranges_of((*ranges, f"{address}/{128 if ':' in address else 32}"), like=address)
        return ranges

"""Where one Service is reached, and what becomes of a packet that comes there. Pure; all its rules are made of this.

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
Source: kube-proxy serviceport.go, topology.go, nftables/proxier.go; kube-proxy.md section 3; KEP-1860 (ipMode).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from netlab.desired.assignments import PortKey
from netlab.desired.backends import Backend, Place, Target, backends, for_everybody, for_local, has_hints
from netlab.desired.frontend import Frontend, Frontends, Kind, Masquerade, owner
from netlab.desired.proxy_nodes import ProxyNode
from netlab.model.families import family_of
from netlab.model.kube_proxy import KubeProxy
from netlab.model.ranges import parse_range, ranges_of
from netlab.model.service import EndpointSlice, Service, ServicePort


class ServiceInputs(NamedTuple):
    """What the frontends of a Service follow from besides its slices; addresses and ports are those that were assigned.

    `name` is its namespace and name, by which its slices are found; `balancer_ips` are the addresses of the machine outside if
    that is the load balancer, none if the Nodes are (ipMode VIP).
    """

    name: tuple[str, str]
    service: Service
    config: KubeProxy
    nodes: tuple[ProxyNode, ...]
    cluster_ips: tuple[str, ...]
    load_balancers: tuple[str, ...]
    node_ports: Mapping[PortKey, int]
    balancer_ips: tuple[str, ...]


def service_frontends(inputs: ServiceInputs, slices: Sequence[EndpointSlice]) -> Iterator[Frontends]:
    """Yield the frontends of one Service, for each of its ports and address families. `slices` are its own."""
    service, is_proxied = inputs.service, bool(inputs.balancer_ips)
    outer: list[tuple[Kind, str]] = [("ExternalIP", ip) for ip in service.spec.external_ips]
    outer += [("LoadBalancer", ip) for ip in inputs.load_balancers if not is_proxied]
    for cluster_ip in inputs.cluster_ips:
        family = family_of(cluster_ip)
        mine = tuple((kind, ip) for kind, ip in outer if family_of(ip) == family)
        proxied = [ip for ip in inputs.load_balancers if is_proxied and family_of(ip) == family]
        for port in service.spec.ports:
            made = _Port(service, port, backends(slices, port, family), inputs.config)
            node_port = inputs.node_ports.get((service.key, port.protocol, port.port), 0)
            found = made.frontends(cluster_ip, mine, node_port, inputs.nodes)
            at_balancer = tuple(made.at_balancer(ip, inputs.balancer_ips, found.own, inputs.nodes) for ip in proxied)
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

"""Frontends become a Node's rules of iptables: kube-proxy's chains, portmap's for host ports, one for Pods that leave. Pure.

    nat     PREROUTING, OUTPUT -> KUBE-SERVICES ... -> KUBE-NODEPORTS (last)      iptables_services.py
                               -> CNI-HOSTPORT-DNAT -> CNI-DN-... one for each Pod with host ports
            POSTROUTING        -> KUBE-POSTROUTING        what KUBE-MARK-MASQ marked gets the Node's address
                               -> CNI-HOSTPORT-MASQ       a Pod that reaches itself by its Node's port
                               -> IP-MASQ                 a Pod that leaves the cluster
    filter  INPUT, FORWARD, OUTPUT -> KUBE-PROXY-FIREWALL, KUBE-SERVICES, KUBE-EXTERNAL-SERVICES: dropped, refused
            FORWARD -> KUBE-FORWARD                       what was marked or is known is let through
            INPUT, OUTPUT -> KUBE-FIREWALL                nobody else comes to 127.0.0.1 (the Node's NodePorts are open there)

Other than in nftables mode a NodePort is open at all addresses of the Node, a wrong port of a ClusterIP is nobody's, and so is
a ClusterIP that no Service has: kube-proxy does so. It drops INVALID packets unless tcp_be_liberal is set, which it is on our
Nodes (wiring.py); and beyond LARGE endpoints it leaves out comments.
Source: kube-proxy iptables/proxier.go; CNI plugin portmap; ip-masq-agent; kube-proxy.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field

from netlab.desired.assignments import HEALTH_CHECK, Assignments
from netlab.desired.backends import Target
from netlab.desired.frontend import Frontend, Frontends, owner
from netlab.desired.host_ports import HostPort, host_ports
from netlab.desired.iptables_rules import (
    HOST_PORT_MARK,
    IS_LOCAL,
    MARK,
    MARK_MASQ,
    MASQUERADE,
    NEW,
    comment,
    dnat,
    dport,
    rule,
)
from netlab.desired.iptables_services import Line, PodSource, rules_of_services, setting
from netlab.desired.pod_match import pod_sources
from netlab.desired.proxy_nodes import LOOPBACK, proxy_nodes
from netlab.frozen import dataclass
from netlab.model.families import listed
from netlab.model.lab import Cluster
from netlab.model.ranges import chooses_all
from netlab.netstate.iptables import TABLES, Family, IptablesChain, IptablesRules, IptablesTable, Variant, family_of
from netlab.netstate.names import digest

LARGE = 1000
LOOPBACKS: dict[Family, str] = {"ip": "127.0.0.0/8", "ip6": "::1/128"}
_ID = 21  # what is left of 28 characters behind `CNI-DN-`

# Table, built-in chain, the chain of ours to go to, what holds besides, the comment; in the order of a packet.
JUMPS: tuple[tuple[str, str, str, str, str], ...] = (
    ("filter", "INPUT", "KUBE-FIREWALL", "", ""),
    ("filter", "INPUT", "KUBE-PROXY-FIREWALL", NEW, "kubernetes load balancer firewall"),
    ("filter", "INPUT", "KUBE-NODEPORTS", "", "kubernetes health check service ports"),
    ("filter", "INPUT", "KUBE-EXTERNAL-SERVICES", NEW, "kubernetes externally-visible service portals"),
    ("filter", "FORWARD", "KUBE-PROXY-FIREWALL", NEW, "kubernetes load balancer firewall"),
    ("filter", "FORWARD", "KUBE-FORWARD", "", "kubernetes forwarding rules"),
    ("filter", "FORWARD", "KUBE-SERVICES", NEW, "kubernetes service portals"),
    ("filter", "FORWARD", "KUBE-EXTERNAL-SERVICES", NEW, "kubernetes externally-visible service portals"),
    ("filter", "OUTPUT", "KUBE-FIREWALL", "", ""),
    ("filter", "OUTPUT", "KUBE-PROXY-FIREWALL", NEW, "kubernetes load balancer firewall"),
    ("filter", "OUTPUT", "KUBE-SERVICES", NEW, "kubernetes service portals"),
    ("nat", "PREROUTING", "KUBE-SERVICES", "", "kubernetes service portals"),
    ("nat", "PREROUTING", "CNI-HOSTPORT-DNAT", IS_LOCAL, ""),
    ("nat", "OUTPUT", "KUBE-SERVICES", "", "kubernetes service portals"),
    ("nat", "OUTPUT", "CNI-HOSTPORT-DNAT", IS_LOCAL, ""),
    ("nat", "POSTROUTING", "KUBE-POSTROUTING", "", "kubernetes postrouting rules"),
    ("nat", "POSTROUTING", "CNI-HOSTPORT-MASQ", "", "CNI portfwd requiring masquerade"),
    ("nat", "POSTROUTING", "IP-MASQ", "", "Pods that leave the cluster"),
)
IS_MARKED = f"-m mark --mark {MARK}/{MARK}"
KNOWN = "-m conntrack --ctstate RELATED,ESTABLISHED"
FIXED: tuple[Line, ...] = (
    ("nat", MARK_MASQ, rule(to=f"MARK --set-xmark {MARK}/{MARK}")),
    ("nat", "KUBE-POSTROUTING", rule(f"-m mark ! --mark {MARK}/{MARK}", to="RETURN")),
    # Taken away, so that nobody masquerades it again should it come by once more.
    ("nat", "KUBE-POSTROUTING", rule(to=f"MARK --set-xmark {MARK}/0x0")),
    ("nat", "KUBE-POSTROUTING", rule(comment("kubernetes service traffic requiring SNAT"), to=MASQUERADE)),
    ("filter", "KUBE-FORWARD", rule(comment("kubernetes forwarding rules"), IS_MARKED, to="ACCEPT")),
    ("filter", "KUBE-FORWARD", rule(comment("kubernetes forwarding conntrack rule"), KNOWN, to="ACCEPT")),
)
NODE_PORTS = comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain")


def iptables_rules(cluster: Cluster, assignments: Assignments, found: Frontends) -> dict[str, frozenset[IptablesRules]]:
    """Return the rules of each Node in iptables mode by its name."""
    spec = cluster.lab.spec
    made: dict[str, frozenset[IptablesRules]] = {}
    nodes = [node for node in proxy_nodes(cluster, assignments) if spec.proxy_mode(node.place.node) == "iptables"]
    if not nodes:
        return made
    ports, health = host_ports(cluster, assignments), health_ports(cluster, assignments)
    for node in nodes:
        name = node.place.node
        frontends, pods = found.of(name), pod_sources(spec, assignments.nodes[name])
        rules = (
            ProxyRules(
                family=family,
                frontends=[item for item in frontends if family_of(item.address) == family],
                node_port_ips=None
                if chooses_all(spec.kube_proxy.node_port_addresses, like=subnet)
                else _of(family, node.node_port_ips),
                pods=pods[family],
                pod_subnets=(subnet,),
                node_ips=_of(family, (ip for given in assignments.nodes.values() for ip in given.ips)),
                host_ports=[one for one in ports.get(name, ()) if family_of(one.address) == family],
                health_ports=health,
            ).compiled(spec.kube_proxy.iptables_variant)
            for subnet in listed(spec.pod_subnet)
            for family in (family_of(subnet),)
        )
        made[name] = frozenset(rules)
    return made


def health_ports(cluster: Cluster, assignments: Assignments) -> dict[str, int]:
    """Return at which port a Node says whether it has endpoints, by the owner of each Service port that has one."""
    return {
        owner(service, port): number
        for service in cluster.services
        if (number := assignments.node_ports.get((service.key, "TCP", HEALTH_CHECK), 0))
        for port in service.spec.ports
    }


def _of(family: Family, addresses: Iterable[str]) -> list[str]:
    return [address for address in addresses if family_of(address) == family]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRules:
    """What a Node's rules of one family are made of.

    Args:
        family: IPv4 or IPv6.
        frontends: where Services are reached.
        node_port_ips: the Node's addresses with NodePorts; None: all it has, those of its loopback too.
        pods: how packets of Pods are known.
        pod_subnets: CIDRs of all Pods.
        node_ips: addresses of all Nodes: towards them Pods keep their own.
        host_ports: ports of the Node that lead to one Pod.
        health_ports: by the owner of a Service port, where the Node says whether it has endpoints.
    """

    family: Family
    frontends: Sequence[Frontend]
    node_port_ips: Sequence[str] | None
    pods: PodSource
    pod_subnets: Sequence[str]
    node_ips: Sequence[str]
    host_ports: Sequence[HostPort] = ()
    health_ports: Mapping[str, int] = field(default_factory=dict)

    def compiled(self, variant: Variant) -> IptablesRules:
        """Return all of it as rules of one program."""
        chains: dict[str, dict[str, list[str]]] = {name: {} for name in TABLES}
        chains["nat"]["KUBE-NODEPORTS"] = []
        for table, _, chain, *_ in self._jumps():
            chains[table].setdefault(chain, [])
        for table, chain, text in self._lines():
            chains[table].setdefault(chain, []).append(text)
        tables = (
            IptablesTable(
                name=name, chains=frozenset(IptablesChain(name=chain, rules=tuple(rules)) for chain, rules in found.items())
            )
            for name, found in chains.items()
        )
        return IptablesRules(variant=variant, family=self.family, tables=frozenset(tables))

    def _jumps(self) -> Iterator[tuple[str, str, str, str, str]]:
        return (jump for jump in JUMPS if jump[2] != "KUBE-FIREWALL" or self.has_loopback)

    def _lines(self) -> Iterator[Line]:
        for table, built_in, chain, condition, text in self._jumps():
            yield table, built_in, rule(condition, comment(text) if text else "", to=chain)
        yield from FIXED
        if self.has_loopback:
            guard = (comment("block incoming localnet connections"), "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT")
            yield "filter", "KUBE-FIREWALL", rule(*guard, src=f"! {LOOPBACKS['ip']}", dst=LOOPBACKS["ip"], to="DROP")
        yield from self._services()
        yield from self._node_ports()
        for name, port in self.health_ports.items():
            said = comment(f"{name} health check node port")
            yield "filter", "KUBE-NODEPORTS", rule(said, dport("tcp", port), protocol="tcp", to="ACCEPT")
        yield from self._leaving()
        yield from host_port_rules(self.host_ports)

    @property
    def has_loopback(self) -> bool:
        """Whether NodePorts are open at 127.0.0.1. Linux never routes ::1, whatever its parameters are."""
        return self.family == "ip" and (self.node_port_ips is None or LOOPBACK in self.node_port_ips)

    def _services(self) -> Iterator[Line]:
        ports: dict[tuple[str, str], list[Frontend]] = {}
        for item in self.frontends:
            ports.setdefault((item.owner, item.protocol), []).append(item)
        endpoints = sum(max(len(item.shortcut or item.targets) for item in port) for port in ports.values())
        return rules_of_services(ports.values(), setting(self.family, self.pods, is_large=endpoints > LARGE))

    def _node_ports(self) -> Iterator[Line]:
        if self.node_port_ips is None:
            dst = "" if self.has_loopback else f"! {LOOPBACKS[self.family]}"
            yield "nat", "KUBE-SERVICES", rule(NODE_PORTS, IS_LOCAL, dst=dst, to="KUBE-NODEPORTS")
        for ip in self.node_port_ips or ():
            yield "nat", "KUBE-SERVICES", rule(NODE_PORTS, dst=ip, to="KUBE-NODEPORTS")

    def _leaving(self) -> Iterator[Line]:
        for subnet in self.pod_subnets:
            yield "nat", "IP-MASQ", rule(src=f"! {subnet}", to="RETURN")
        for place in (*self.pod_subnets, *self.node_ips):
            yield "nat", "IP-MASQ", rule(comment("local traffic is not subject to MASQUERADE"), dst=place, to="RETURN")
        yield "nat", "IP-MASQ", rule(comment("outbound traffic is subject to MASQUERADE"), to=MASQUERADE)


def host_port_rules(ports: Iterable[HostPort]) -> Iterator[Line]:
    """Yield the rules of host ports as the CNI plugin portmap writes them. Clients keep their source, but the Pod itself."""
    yield (
        "nat",
        "CNI-HOSTPORT-SETMARK",
        rule(comment("CNI portfwd masquerade mark"), to=f"MARK --set-xmark {HOST_PORT_MARK}/{HOST_PORT_MARK}"),
    )
    yield "nat", "CNI-HOSTPORT-MASQ", rule(f"-m mark --mark {HOST_PORT_MARK}/{HOST_PORT_MARK}", to=MASQUERADE)
    for one in ports:
        chain, here = f"CNI-DN-{digest(one.owner)[:_ID]}", dport(one.protocol, one.port)
        yield "nat", "CNI-HOSTPORT-DNAT", rule(comment(one.owner), here, dst=one.address, protocol=one.protocol, to=chain)
        yield "nat", chain, rule(here, src=one.target, dst=one.address, protocol=one.protocol, to="CNI-HOSTPORT-SETMARK")
        yield "nat", chain, rule(here, dst=one.address, protocol=one.protocol, to=dnat(Target(one.target, one.target_port)))

"""Objects and choices become the whole network of a lab: every namespace with its links, addresses, routes and rules. Pure."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired import packet_keys
from netlab.desired.announcing import announced_routes
from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import all_slices
from netlab.desired.frontend import Frontends
from netlab.desired.frontends import frontends
from netlab.desired.host_ports import host_ports
from netlab.desired.iptables import iptables_rules
from netlab.desired.pod_match import pod_matches
from netlab.desired.proxy_nodes import proxy_nodes
from netlab.desired.services import balancer_table, service_tables
from netlab.desired.wiring import Wiring
from netlab.model.families import listed
from netlab.model.kube_proxy import ProxyMode
from netlab.model.lab import Cluster, LabSpec
from netlab.model.service import Service
from netlab.netstate.iptables import IptablesRules
from netlab.netstate.names import OUTSIDE, machine_netns
from netlab.netstate.nft import NftTable
from netlab.netstate.state import Namespace, NetState


def mark(uid: str) -> str:
    """Return the ownership mark of the lab with this uid: the alias of the loopback and of every link that is its own."""
    return f"netlab {uid}"


def compile_net(cluster: Cluster, assignments: Assignments) -> NetState:
    """Return everything the lab wants of Linux' network. The same input gives the same state, byte for byte."""
    lab = cluster.lab
    wiring = Wiring(cluster, assignments, mark(lab.metadata.uid))
    found = frontends(cluster, all_slices(cluster, assignments), assignments)
    modes = {machine_netns(lab.metadata.name, name): (name, lab.spec.proxy_mode(name)) for name in assignments.nodes}
    has_tables = any(mode == "nftables" for _, mode in modes.values())
    tables = _tables(found, cluster, assignments) if has_tables else {}
    rules = iptables_rules(cluster, assignments, found)

    running = [node for node in proxy_nodes(cluster, assignments) if node.place.node in wiring.pods_of]
    outside = machine_netns(lab.metadata.name, OUTSIDE)
    announced = frozenset(announced_routes(found, running, lab.spec))
    balancer = _balancer(found, lab.spec)

    def with_rules(item: Namespace) -> Namespace:
        if item.name == outside:
            return replace(item, routes=item.routes | announced, table=balancer)
        name, mode = modes.get(item.name, ("", ""))
        if mode == "nftables":
            return replace(item, table=tables[name])
        return replace(item, iptables=rules[name]) if mode else item

    return NetState(namespaces=frozenset(map(with_rules, wiring.namespaces())))


def is_at_balancer(cluster: Cluster, assignments: Assignments, service: Service) -> bool:
    """Tell whether a Service is reached on the machine outside: it has a load balancer there, and not on the Nodes."""
    return cluster.lab.spec.load_balancer_ip_mode == "Proxy" and bool(assignments.load_balancers.get(service.key))


def service_part(cluster: Cluster, assignments: Assignments, service: Service, node: str = "") -> NftTable:
    """Return what one Service alone adds to a Node's table: sets with its elements only, and the chains they lead to.

    It is what nftables mode would make of it, whatever the mode of the Node is. `node` is "" for the first one; it may be the
    machine outside, which has a table if it is the load balancer.
    """
    one, found = alone(cluster, assignments, service, "nftables")
    table, other = (_table_of(node, some, one, assignments) for some in (found, Frontends((), {})))
    return replace(table, sets=table.sets - other.sets, chains=table.chains - other.chains)


def iptables_parts(cluster: Cluster, assignments: Assignments, service: Service, node: str = "") -> tuple[IptablesRules, ...]:
    """Return what iptables mode would make of one Service on a Node: its own chains, and its rules in those of all Services.

    One for each family in which there is anything, IPv4 first; the first one anyway.
    """
    one, found = alone(cluster, assignments, service, "iptables")
    nobody = one.without({service.key})  # the port that answers a load balancer's question is there without endpoints too
    with_it, without = iptables_rules(one, assignments, found), iptables_rules(nobody, assignments, Frontends((), {}))
    name = node or next(iter(with_it), "")
    nothing = {rules.family: rules for rules in without.get(name, ())}
    parts = [rules.minus(nothing[rules.family]) for rules in sorted(with_it.get(name, ()), key=lambda item: item.family)]
    return tuple(part for part in parts if part.tables) or tuple(parts[:1])


def alone(cluster: Cluster, assignments: Assignments, service: Service, mode: ProxyMode) -> tuple[Cluster, Frontends]:
    """Return the lab as if it had this Service only and all Nodes were in this mode, and where the Service is reached then."""
    objects = {key: item for key, item in cluster.objects.items() if not isinstance(item, Service)} | {service.key: service}
    spec = cluster.lab.spec
    nodes = tuple(replace(node, kube_proxy_mode="") for node in spec.nodes)
    spec = replace(spec, nodes=nodes, kube_proxy=replace(spec.kube_proxy, mode=mode))
    one = Cluster(lab=replace(cluster.lab, spec=spec), objects=objects)
    return one, frontends(one, all_slices(one, assignments), assignments)


def _table_of(node: str, found: Frontends, cluster: Cluster, assignments: Assignments) -> NftTable:
    if node == OUTSIDE:
        return _balancer(found, cluster.lab.spec) or NftTable()
    tables = _tables(found, cluster, assignments)
    return tables.get(node or next(iter(tables), ""), NftTable())


def _balancer(found: Frontends, spec: LabSpec) -> NftTable | None:
    """The table of the machine outside, None if it is no load balancer."""
    families = tuple(map(packet_keys.family_of, listed(spec.node_subnet)))
    return balancer_table(found, families) if spec.load_balancer_ip_mode == "Proxy" else None


def _tables(found: Frontends, cluster: Cluster, assignments: Assignments) -> dict[str, NftTable]:
    """The table of each Node by the Node's name, whatever its mode is."""
    spec = cluster.lab.spec
    return service_tables(
        found,
        nodes=proxy_nodes(cluster, assignments),
        local_ips=_local_ips(assignments),
        host_ports=host_ports(cluster, assignments),
        pods={name: pod_matches(spec, node) for name, node in assignments.nodes.items()},
        pod_subnets=listed(spec.pod_subnet),
        service_subnets=listed(spec.service_subnet),
    )


def _local_ips(assignments: Assignments) -> dict[str, set[str]]:
    """The addresses of each Node and of its Pods."""
    found = {name: set(node.ips) for name, node in assignments.nodes.items()}
    for pod in assignments.pods.values():
        if pod.node in found:
            found[pod.node].update(pod.ips)
    return found

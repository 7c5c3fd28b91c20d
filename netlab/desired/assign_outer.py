"""How Services are reached from outside: NodePorts, ports of health checks, addresses of load balancers. Chosen once and kept.

A health check's port is one of its Service's NodePorts, that of port HEALTH_CHECK: both come from one range.
A load balancer is an address of loadBalancerSubnet, unless it wishes for the load balancer of somebody else (its class).
Source: Kubernetes docs, Service (type NodePort, type LoadBalancer); pkg/registry/core/service/portallocator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netlab.desired.assignments import HEALTH_CHECK, Assignments, PortKey
from netlab.desired.ipam import is_inside, next_cluster_ip, next_port
from netlab.desired.service_families import service_families
from netlab.errors import PoolExhausted
from netlab.model.families import IPFamily, family_of, listed
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.service import Service
from netlab.netstate.names import digest
from netlab.remembered import remembered_by

LEAVE_OUT = "choose another one, or leave it out and get a free one"


def hint(*parts: str) -> int:
    """Return the number at which the search for something free begins: from its name, so that it is the same in every lab."""
    return int(digest(*parts)[:12], 16)


def full(key: Key) -> str:
    """Return the name of an object as problems have it."""
    return f"{key.kind.lower()}/{key.name} in namespace {key.namespace}"


# NodePorts ----------------------------------------------------------------------------------------------------------------


def _wanted_ports(services: list[Service]) -> Iterator[tuple[PortKey, str, int]]:
    """Yield every port that is to have a NodePort, its field, and the number that is wished for (0: any)."""
    for service in services:
        for n, port in enumerate(service.spec.ports):
            if service.has_node_port(port):
                yield (service.key, port.protocol, port.port), f"spec.ports[{n}].nodePort", port.node_port
        if service.has_health_check:
            yield (service.key, "TCP", HEALTH_CHECK), "spec.healthCheckNodePort", service.spec.health_check_node_port


def _port_range(cluster: Cluster) -> tuple[int, int]:
    first, _, last = cluster.lab.spec.node_port_range.partition("-")
    return int(first), int(last)


def node_ports(cluster: Cluster, services: list[Service], earlier: Mapping[PortKey, int]) -> dict[PortKey, int]:
    """Return the NodePort of each port that is to have one: the one that is wished for, the one it has, or a free one.

    Raises:
        PoolExhausted: there is none left.
    """
    wanted = list(_wanted_ports(services))
    found = {key: wish for key, _, wish in wanted if wish}
    taken = {(protocol, number) for (_, protocol, _), number in found.items()}
    # A port that was only given yields to one of the same Service that is wished for.
    kept = {key: earlier[key] for key, _, _ in wanted if key not in found and key in earlier}
    found |= {key: number for key, number in kept.items() if (key[1], number) not in taken}
    taken |= {(protocol, number) for (_, protocol, _), number in found.items()}
    first, last = _port_range(cluster)
    used_by: dict[str, set[int]] = {}
    for key, _, _ in wanted:
        if key in found:
            continue
        service, protocol, port = key
        used = used_by.setdefault(protocol, {number for known, number in taken if known == protocol})
        number = next_port(first, last, used, hint("NodePort", service.namespace, service.name, protocol, str(port)))
        if number is None:
            raise PoolExhausted(f"{service}: no NodePort from {first} to {last} is free; delete a Service first")
        used.add(number)
        found[key] = number
    return dict(sorted(found.items()))


def node_port_problems(cluster: Cluster, services: list[Service], earlier: Assignments) -> Iterator[str]:
    """Yield what is wrong with the NodePorts that are wished for.

    One that is wished for wins over one that was only given to the same Service, never over another Service's.
    """
    first, last = _port_range(cluster)
    wanted = {key: (field, wish) for key, field, wish in _wanted_ports(services)}
    owners = {
        (key[1], number): key[0]
        for key, number in earlier.node_ports.items()
        if key in wanted and wanted[key][1] in {0, number}
    }
    for (key, protocol, _), (field, wish) in wanted.items():
        where = f"{full(key)}: {field}"
        if not wish:
            continue
        if not first <= wish <= last:
            yield f"{where}: {wish} is not in the range of NodePorts, {first}-{last}; {LEAVE_OUT}"
        elif owners.setdefault((protocol, wish), key) != key:
            yield f"{where}: {protocol} {wish} is taken by {full(owners[protocol, wish])}; {LEAVE_OUT}"


# Load balancers -----------------------------------------------------------------------------------------------------------


def _balanced(services: list[Service]) -> list[Service]:
    return [service for service in services if service.spec.type == "LoadBalancer" and not service.spec.load_balancer_class]


def load_balancers(
    cluster: Cluster, services: list[Service], earlier: Mapping[Key, tuple[str, ...]]
) -> dict[Key, tuple[str, ...]]:
    """Return the addresses of each load balancer, one for each family of its Service: wished for, kept, or free ones.

    Raises:
        PoolExhausted: there is none left.
    """
    lab, balanced = cluster.lab.spec, _balanced(services)
    subnets = {family_of(subnet): subnet for subnet in listed(lab.load_balancer_subnet)}
    found: dict[Key, dict[IPFamily, str]] = {}
    for service in balanced:
        known = (*earlier.get(service.key, ()), *filter(None, [service.spec.load_balancer_ip]))
        found[service.key] = {family_of(ip): ip for ip in known}
    taken = {ip for ips in found.values() for ip in ips.values()}
    for service in balanced:
        for family in service_families(service, lab):
            if family in found[service.key]:
                continue
            start = hint("LoadBalancer", service.metadata.namespace, service.metadata.name)
            ip = next_cluster_ip(subnets[family], taken, start)
            if ip is None:
                subnet = subnets[family]
                raise PoolExhausted(f"{service.key}: loadBalancerSubnet {subnet} has no address left; delete a Service first")
            taken.add(ip)
            found[service.key][family] = ip
    wanted = {service.key: service_families(service, lab) for service in balanced}
    return {key: tuple(ips[family] for family in wanted[key]) for key, ips in sorted(found.items())}


@remembered_by(lambda cluster, assignments: (cluster.lab, cluster.services, assignments.load_balancers))
def lacking_node_ports(cluster: Cluster, assignments: Assignments) -> dict[Key, str]:
    """Return the Services whose load balancer has no NodePort to lead to, each with the reason in words.

    One that is a proxy (ipMode) leads to NodePorts, and a Service may do without them: then whoever comes there is refused. So
    it is in clouds whose load balancers are such: they leave the port out, or give it no members.
    Source: KEP-1864 (allocateLoadBalancerNodePorts); cloud-provider-openstack and cloud-provider-aws.
    """
    if cluster.lab.spec.load_balancer_ip_mode != "Proxy":
        return {}
    found = {}
    for service in cluster.services:
        lacking = [f"{port.port}/{port.protocol}" for port in service.spec.ports if not service.has_node_port(port)]
        if lacking and assignments.load_balancers.get(service.key):
            why = "spec.allocateLoadBalancerNodePorts is false, and the lab's loadBalancerIPMode is Proxy"
            found[service.key] = f"no nodePort for {', '.join(lacking)} to lead to: {why}"
    return found


def load_balancer_problems(cluster: Cluster, services: list[Service], earlier: Assignments) -> Iterator[str]:
    """Yield what is wrong with the addresses that load balancers wish for."""
    lab, balanced = cluster.lab.spec, _balanced(services)
    wishes = {service.key: service.spec.load_balancer_ip for service in balanced if service.spec.load_balancer_ip}
    families = {service.key: service_families(service, lab) for service in balanced}
    owners = {
        ip: key for key, ips in earlier.load_balancers.items() if key in families for ip in ips if wishes.get(key, ip) == ip
    }
    for key, wish in wishes.items():
        where = f"{full(key)}: spec.loadBalancerIP"
        if not any(is_inside(wish, subnet) for subnet in listed(lab.load_balancer_subnet)):
            yield f"{where}: {wish} is not in the loadBalancerSubnet {lab.load_balancer_subnet}; {LEAVE_OUT}"
        elif family_of(wish) not in families[key]:
            yield f"{where}: {wish} is of {family_of(wish)}, the Service of {' and '.join(families[key])}; {LEAVE_OUT}"
        elif owners.setdefault(wish, key) != key:
            yield f"{where}: {wish} is taken by {full(owners[wish])}; {LEAVE_OUT}"

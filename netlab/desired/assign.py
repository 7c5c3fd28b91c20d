"""Choices that are made once and kept: Nodes and their subnets, Pods and their Nodes and addresses, ClusterIPs.

NodePorts and load balancers' addresses are chosen in assign_outer.py, by the same rules.
Every earlier choice that is still valid stays; only what is missing is chosen; what nobody wants any more is forgotten.
Deterministic: the same objects and the same earlier choices give the same result. Wishes that contradict each other or a
range are reported all at once.
Source: Kubernetes docs, Service (Choosing your own IP address, type NodePort).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from netlab.desired.assign_outer import (
    LEAVE_OUT,
    full,
    hint,
    load_balancer_problems,
    load_balancers,
    node_port_problems,
    node_ports,
)
from netlab.desired.assignments import Assignments, NodeAssignment, PodAssignment
from netlab.desired.ipam import (
    api_server,
    is_inside,
    next_cluster_ip,
    next_pod_addresses,
    node_addresses,
    pod_subnets,
)
from netlab.desired.kubernetes_service import KUBERNETES
from netlab.desired.power import as_known
from netlab.desired.resolver import KUBE_DNS, planned_dns
from netlab.desired.schedule import Place, pick_node, place_of
from netlab.desired.service_families import family_problems, service_families, wished_cluster_ips
from netlab.errors import Conflict, PoolExhausted
from netlab.model.families import IPFamily, family_of, listed
from netlab.model.lab import Cluster
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.resources import Amounts
from netlab.model.service import Service
from netlab.remembered import remembered_by


def assign(cluster: Cluster, earlier: Assignments, room: Amounts | None = None) -> Assignments:
    """Return `earlier` with what is missing chosen and what is obsolete left out.

    `room` is what each Node has for its Pods to ask for; a resource that is not in it is never short.

    Raises:
        Conflict: an explicit ClusterIP, NodePort or load balancer's address is out of range, taken, or changed; a line each.
        PoolExhausted: there is no subnet for a Node, no ClusterIP, NodePort or load balancer's address left.
    """
    nodes = _nodes(cluster, earlier.nodes)
    pods = _pods(cluster, nodes, earlier.pods, room or {})
    return _as_before(replace(_services(cluster, earlier), nodes=nodes, pods=pods), earlier)


def _as_before(found: Assignments, earlier: Assignments) -> Assignments:
    """What is as it was is the same object, by which the rest knows that nothing follows from it."""
    pairs = ((field.name, getattr(earlier, field.name), getattr(found, field.name)) for field in fields(Assignments))
    return replace(found, **{name: one for name, one, new in pairs if new is not one and new == one})


def _what_services_get(cluster: Cluster, given: Assignments) -> tuple[object, ...]:
    return cluster.lab, cluster.services, given.cluster_ips, given.node_ports, given.load_balancers


@remembered_by(_what_services_get, settled=lambda cluster, _, found: _what_services_get(cluster, found))
def _services(cluster: Cluster, earlier: Assignments) -> Assignments:
    """What is chosen for Services, and nothing else."""
    services = [service for service in cluster.services if service.has_cluster_ip]
    problems = [
        *_cluster_ip_problems(cluster, services, earlier),
        *node_port_problems(cluster, services, earlier),
        *load_balancer_problems(cluster, services, earlier),
    ]
    if problems:
        raise Conflict("\n".join(problems))
    found = Assignments(
        cluster_ips=_cluster_ips(cluster, services, earlier.cluster_ips),
        node_ports=node_ports(cluster, services, earlier.node_ports),
        load_balancers=load_balancers(cluster, services, earlier.load_balancers),
    )
    return _as_before(found, earlier)


# Nodes and Pods -----------------------------------------------------------------------------------------------------------


def _nodes(cluster: Cluster, earlier: Mapping[str, NodeAssignment]) -> dict[str, NodeAssignment]:
    spec = cluster.lab.spec
    found = {node.metadata.name: earlier[node.metadata.name] for node in cluster.nodes if node.metadata.name in earlier}
    taken = {values for item in found.values() for values in (item.ips, item.pod_cidrs)}
    addresses = (ips for ips in node_addresses(spec) if ips not in taken)
    subnets = (cidrs for cidrs in pod_subnets(spec) if cidrs not in taken)
    for node in cluster.nodes:
        name = node.metadata.name
        if name not in found:
            ips, cidrs = next(addresses, None), next(subnets, None)
            if ips is None or cidrs is None:
                pool = f"nodeSubnet {spec.node_subnet}" if ips is None else f"podSubnet {spec.pod_subnet}"
                raise PoolExhausted(f"node/{name}: {pool} has no room left; choose a larger one in the Lab")
            found[name] = NodeAssignment(ips=ips, pod_cidrs=cidrs)
    return {node.metadata.name: found[node.metadata.name] for node in cluster.nodes}


def _pods(
    cluster: Cluster, nodes: Mapping[str, NodeAssignment], earlier: Mapping[Key, PodAssignment], room: Amounts
) -> dict[Key, PodAssignment]:
    found = {pod.key: _keep(earlier[pod.key], nodes) for pod in cluster.pods if pod.key in earlier and earlier[pod.key].node}
    taken = {ip for item in found.values() for ip in item.ips}
    load: dict[str, list[Pod]] = {name: [] for name in nodes}
    for pod in cluster.pods:
        if pod.key in found and found[pod.key].node in nodes and pod.status.phase not in FINAL_PHASES:
            load[found[pod.key].node].append(pod)
    unbound = [pod for pod in cluster.pods if pod.key not in found]
    known = (as_known(node, cluster.lab) for node in cluster.nodes if unbound)
    places = {node.metadata.name: place_of(node, load[node.metadata.name], room) for node in known}
    for pod in unbound:
        found[pod.key] = bound = _bind(pod, nodes, places, taken)
        taken.update(bound.ips)
        if bound.node:
            places[bound.node] = places[bound.node].with_pod(pod)
    return {pod.key: found[pod.key] for pod in cluster.pods}


def _keep(bound: PodAssignment, nodes: Mapping[str, NodeAssignment]) -> PodAssignment:
    """A Pod is never moved (N20): while its Node is gone, the assignment says so."""
    gone = f'node "{bound.node}" is gone; a Pod is never moved to another one: delete it, or bring the Node back'
    reason = "" if bound.node in nodes else gone
    return bound if bound.reason == reason else replace(bound, reason=reason)


def _bind(pod: Pod, nodes: Mapping[str, NodeAssignment], places: Mapping[str, Place], taken: set[str]) -> PodAssignment:
    """Choose Node and address; a Node without a free address is passed over."""
    full: set[str] = set()
    while True:
        name, reason = pick_node(pod, [place._replace(has_address=name not in full) for name, place in places.items()])
        if not name:
            return PodAssignment(reason=reason)
        ips = nodes[name].ips if pod.spec.host_network else next_pod_addresses(nodes[name].pod_cidrs, taken)
        if ips is not None:
            return PodAssignment(node=name, ips=ips)
        full.add(name)


# ClusterIPs ---------------------------------------------------------------------------------------------------------------


def _cluster_ips(
    cluster: Cluster, services: list[Service], earlier: Mapping[Key, tuple[str, ...]]
) -> dict[Key, tuple[str, ...]]:
    lab = cluster.lab.spec
    subnets = {family_of(subnet): subnet for subnet in listed(lab.service_subnet)}
    wanted = {service.key: service_families(service, lab) for service in services}
    found: dict[Key, dict[IPFamily, str]] = {}
    for service, (key, families) in zip(services, wanted.items(), strict=True):
        known = (*earlier.get(key, ()), *wished_cluster_ips(service.spec))
        found[key] = {family_of(ip): ip for ip in known if family_of(ip) in families}
    taken = {ip for ips in found.values() for ip in ips.values()}
    for key, families in wanted.items():
        for family in families:
            if family not in found[key]:
                found[key][family] = ip = _free_cluster_ip(key, subnets[family], taken)
                taken.add(ip)
    return {key: tuple(ips[family] for family in wanted[key]) for key, ips in sorted(found.items())}


def _free_cluster_ip(key: Key, subnet: str, taken: set[str]) -> str:
    if key in {KUBE_DNS, KUBERNETES}:
        reserved = planned_dns(subnet) if key == KUBE_DNS else api_server(subnet)
        if reserved not in taken:
            return reserved
    ip = next_cluster_ip(subnet, taken, hint("ClusterIP", key.namespace, key.name))
    if ip is None:
        raise PoolExhausted(f"{key}: serviceSubnet {subnet} has no address left; delete a Service first")
    return ip


def _cluster_ip_problems(cluster: Cluster, services: list[Service], earlier: Assignments) -> Iterator[str]:
    lab = cluster.lab.spec
    subnets = listed(lab.service_subnet)
    keys = {service.key for service in services}  # one that became headless or an ExternalName gives its address up
    owners = {ip: key for key, ips in earlier.cluster_ips.items() if key in keys for ip in ips}
    owners = {**{planned_dns(subnet): KUBE_DNS for subnet in subnets}, **owners}
    owners.setdefault(api_server(subnets[0]), KUBERNETES)
    for service in services:
        yield from (f"{full(service.key)}: {path}: {message}" for path, message in family_problems(service, lab))
        before = {family_of(ip): ip for ip in earlier.cluster_ips.get(service.key, ())}
        for number, wanted in enumerate(wished_cluster_ips(service.spec)):
            where = f"{full(service.key)}: spec.{f'clusterIPs[{number}]' if number else 'clusterIP'}"
            kept = before.get(family_of(wanted), wanted)
            if not any(is_inside(wanted, subnet) for subnet in subnets):
                yield f"{where}: {wanted} is not in the serviceSubnet {lab.service_subnet}; {LEAVE_OUT}"
            elif kept != wanted:
                yield f"{where}: it is {kept} and cannot be changed to {wanted}; delete the Service first"
            elif owners.setdefault(wanted, service.key) != service.key:
                yield f"{where}: {wanted} is taken by {full(owners[wanted])}; {LEAVE_OUT}"

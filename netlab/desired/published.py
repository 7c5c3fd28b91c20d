"""Objects as kubectl would show them: the wish, filled in with what was assigned and derived. Pure."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.addons import assigned_node
from netlab.desired.assignments import Assignments
from netlab.desired.endpoints import derive_slices
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.pod import Pod
from netlab.model.service import Service
from netlab.model.workload import Node


def published(cluster: Cluster, assignments: Assignments) -> Cluster:
    """Return the cluster with ClusterIPs, NodePorts, Nodes of Pods, addresses of Nodes, and the EndpointSlices that follow."""
    filled = cluster.with_objects(_fill(item, assignments) for item in cluster.objects.values())
    return filled.with_objects(derive_slices(cluster, assignments))


def _fill(item: KubernetesObject, assignments: Assignments) -> KubernetesObject:
    match item:
        case Service():
            return _service(item, assignments)
        case Pod():
            bound = assignments.pods.get(item.key)
            return replace(item, spec=replace(item.spec, node_name=bound.node)) if bound and bound.node else item
        case Node():
            return assigned_node(item, assignments)
        case _:
            return item


def _service(service: Service, assignments: Assignments) -> Service:
    ips = assignments.cluster_ips.get(service.key, ())
    if service.is_headless:
        ips = ("None",)
    if service.spec.type == "ExternalName":
        return service
    ports = tuple(
        replace(
            port,
            target_port=port.target_port or port.port,
            node_port=assignments.node_ports.get((service.key, port.protocol, port.port), port.node_port),
        )
        for port in service.spec.ports
    )
    spec = replace(service.spec, cluster_ip=ips[0] if ips else "", cluster_ips=ips, ports=ports, ip_families=("IPv4",))
    return replace(service, spec=spec)

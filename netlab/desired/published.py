"""Objects as kubectl would show them: the wish, filled in with what was assigned and derived. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netlab.desired.addons import assigned_node
from netlab.desired.assignments import Assignments
from netlab.desired.conditions import deployment_status, pod_conditions
from netlab.desired.endpoints import derive_slices
from netlab.desired.workloads import replicas_by_owner
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.pod import Pod
from netlab.model.service import Service
from netlab.model.workload import Deployment, Node


def published(cluster: Cluster, assignments: Assignments) -> Cluster:
    """Return the cluster with all that users see: what was assigned, conditions, the slices that follow."""
    replicas = replicas_by_owner(cluster)
    filled = cluster.with_objects(_fill(item, assignments, replicas) for item in cluster.objects.values())
    return filled.with_objects(derive_slices(cluster, assignments))


def _fill(item: KubernetesObject, assignments: Assignments, replicas: Mapping[str, list[Pod]]) -> KubernetesObject:
    match item:
        case Service():
            return published_service(item, assignments)
        case Pod():
            return _pod(item, assignments)
        case Deployment():
            return replace(item, status=deployment_status(item, replicas.get(item.metadata.uid, [])))
        case Node():
            return assigned_node(item, assignments)
        case _:
            return item


def _pod(pod: Pod, assignments: Assignments) -> Pod:
    bound = assignments.pods.get(pod.key)
    if bound and bound.node:
        pod = replace(pod, spec=replace(pod.spec, node_name=bound.node))
    return replace(pod, status=replace(pod.status, conditions=pod_conditions(pod)))


def published_service(service: Service, assignments: Assignments) -> Service:
    """Return one Service with its addresses and ports, and with the policies that netlab follows where none is wished for."""
    spec = service.spec
    if spec.type == "ExternalName":
        return service
    ips = ("None",) if service.is_headless else assignments.cluster_ips.get(service.key, ())
    ports = tuple(
        replace(
            port,
            target_port=port.target_port or port.port,
            node_port=assignments.node_ports.get((service.key, port.protocol, port.port), port.node_port),
        )
        for port in spec.ports
    )
    filled = replace(
        spec,
        cluster_ip=ips[0] if ips else "",
        cluster_ips=ips,
        ports=ports,
        ip_families=("IPv4",),
        ip_family_policy="SingleStack",
        internal_traffic_policy="Cluster",
        external_traffic_policy="Cluster" if spec.type == "NodePort" else spec.external_traffic_policy,
    )
    return replace(service, spec=filled)

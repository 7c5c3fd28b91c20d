"""Objects as kubectl would show them: the wish, filled in with what was assigned and derived. Pure."""

from __future__ import annotations

from dataclasses import replace

from netlab.desired.addons import assigned_node
from netlab.desired.assignments import HEALTH_CHECK, Assignments
from netlab.desired.conditions import pod_conditions
from netlab.desired.counted import counted
from netlab.desired.endpoints import derive_slices
from netlab.desired.mirroring import derive_endpoints
from netlab.desired.power import as_known
from netlab.desired.service_families import family_policy, service_families
from netlab.desired.tolerations import tolerations_of
from netlab.desired.unreachable import unknown_conditions
from netlab.model.lab import Cluster, KubernetesObject, Lab
from netlab.model.node import Node
from netlab.model.pod import Pod
from netlab.model.resources import qos_class
from netlab.model.service import (
    ClientIPConfig,
    LoadBalancerIngress,
    LoadBalancerStatus,
    Service,
    ServiceStatus,
    SessionAffinityConfig,
)


def published(cluster: Cluster, assignments: Assignments, now: float) -> Cluster:
    """Return the cluster with all that users see: what was assigned, conditions, counts, slices and Endpoints."""
    filled = cluster.with_objects(_fill(item, cluster.lab, assignments) for item in cluster.objects.values())
    slices = derive_slices(cluster, assignments)
    return filled.with_objects((*slices, *derive_endpoints(filled.services, slices), *counted(cluster, now)))


def _fill(item: KubernetesObject, lab: Lab, assignments: Assignments) -> KubernetesObject:
    match item:
        case Service():
            return published_service(item, lab, assignments)
        case Pod():
            return _pod(item, lab, assignments)
        case Node():
            return assigned_node(as_known(item, lab), assignments)
        case _:
            return item


def _pod(pod: Pod, lab: Lab, assignments: Assignments) -> Pod:
    bound = assignments.pods.get(pod.key)
    if bound and bound.node:
        pod = replace(pod, spec=replace(pod.spec, node_name=bound.node))
    pod = replace(pod, spec=replace(pod.spec, tolerations=tolerations_of(pod)))
    found = pod_conditions(pod)
    conditions = unknown_conditions(pod, lab, found) if pod.status.phase == "Unknown" else found
    return replace(pod, status=replace(pod.status, conditions=conditions, qos_class=qos_class(pod.spec)))


def published_service(service: Service, lab: Lab, assignments: Assignments) -> Service:
    """Return one Service with its addresses and ports, and with the policies that netlab follows where none is wished for."""
    spec = service.spec
    if spec.type == "ExternalName":
        return service
    ips = ("None",) if service.is_headless else assignments.cluster_ips.get(service.key, ())
    is_balanced = spec.type == "LoadBalancer"
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
        ip_families=service_families(service, lab.spec),
        ip_family_policy=family_policy(service, lab.spec),
        internal_traffic_policy=spec.internal_traffic_policy or "Cluster",
        external_traffic_policy=spec.external_traffic_policy or ("Cluster" if service.is_external else ""),
        allocate_load_balancer_node_ports=(spec.allocate_load_balancer_node_ports is not False) if is_balanced else None,
        health_check_node_port=assignments.node_ports.get((service.key, "TCP", HEALTH_CHECK), spec.health_check_node_port),
        session_affinity_config=_affinity(service),
    )
    mode = lab.spec.load_balancer_ip_mode
    ingress = tuple(LoadBalancerIngress(ip=ip, ip_mode=mode) for ip in assignments.load_balancers.get(service.key, ()))
    return replace(service, spec=filled, status=ServiceStatus(load_balancer=LoadBalancerStatus(ingress=ingress)))


def _affinity(service: Service) -> SessionAffinityConfig | None:
    seconds = service.affinity_seconds
    return SessionAffinityConfig(client_ip=ClientIPConfig(timeout_seconds=seconds)) if seconds else None

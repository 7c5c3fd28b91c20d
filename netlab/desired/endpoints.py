"""Which Pods stand behind a Service: EndpointSlices from selectors. Who of them gets traffic is decided in backends.py.

Slices made here, and those made of Endpoints (mirroring.py), are derived and never stored; hand-written ones are objects like
others. One slice for each set of port numbers (a named targetPort may differ from Pod to Pod), at most MAX_ENDPOINTS in each.
Where a Service wishes for near endpoints (trafficDistribution), each ready one is meant for the clients of its zone or Node.
Source: Kubernetes docs, EndpointSlices; endpointslice controller; trafficdist.go (KEP-4444, KEP-3015).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping

from netlab.desired.assignments import Assignments, PodAssignment
from netlab.desired.mirroring import MANAGED_BY, mirrored_slices, slice_name
from netlab.desired.service_families import service_families
from netlab.model.families import IPFamily, family_of
from netlab.model.lab import Cluster, LabSpec
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import Key, Labels, ObjectMeta, OwnerReference, selects
from netlab.model.node import Node
from netlab.model.pod import Pod
from netlab.model.service import (
    Endpoint,
    EndpointConditions,
    EndpointHints,
    EndpointPort,
    EndpointSlice,
    ForNode,
    ForZone,
    ObjectReference,
    Service,
    ServicePort,
    TrafficDistribution,
)
from netlab.remembered import remembered, remembered_by, remembered_each, remembered_groups, remembered_order

CONTROLLER = "endpointslice-controller.k8s.io"
ZONE_LABEL = "topology.kubernetes.io/zone"
MAX_ENDPOINTS = 100

LabelIndex = dict[tuple[str, str, str], list[Pod | PodAssignment]]
"""Pods, each with what is assigned to it behind it, by namespace, label and its value."""


def derive_slices(cluster: Cluster, assignments: Assignments) -> tuple[EndpointSlice, ...]:
    """Return the slices that follow from selectors and from Endpoints, by key. ExternalName Services select nothing."""
    index, zones = _by_label(cluster, assignments), _zones(cluster)
    selecting = _selecting(cluster.services)
    calls = ((service, cluster.lab.spec, zones, *_candidates(service, index)) for service in selecting)
    found = itertools.chain.from_iterable(_of_each_service(calls))
    return _derived_in_order((*found, *mirrored_slices(cluster)))


@remembered
def _selecting(services: tuple[Service, ...]) -> tuple[Service, ...]:
    return tuple(service for service in services if service.spec.selector and service.spec.type != "ExternalName")


@remembered_by(lambda cluster: (cluster.of_kind(Node), cluster.lab))
def _zones(cluster: Cluster) -> Mapping[str, str]:
    return {node.metadata.name: node.metadata.labels.get(ZONE_LABEL, "") for node in cluster.nodes}


@remembered_each
def _of_each_service(
    service: Service, lab: LabSpec, zones: Mapping[str, str], *candidates: Pod | PodAssignment
) -> tuple[EndpointSlice, ...]:
    """The slices of one Service; `candidates` are Pods, each with what is assigned to it behind it."""
    pods = [item for item in candidates if isinstance(item, Pod)]
    bound = [item for item in candidates if isinstance(item, PodAssignment)]
    given = Assignments(pods={pod.key: one for pod, one in zip(pods, bound, strict=True)})
    families = service_families(service, lab)
    return tuple(item for family in families for item in _Slices(service, family, given, zones).of(pods))


@remembered
def all_slices(cluster: Cluster, assignments: Assignments) -> tuple[EndpointSlice, ...]:
    """Return the hand-written slices and the derived ones, sorted by key."""
    derived = derive_slices(cluster, assignments)
    return _in_order((*cluster.slices, *derived)) if derived else cluster.slices


def _key(item: EndpointSlice) -> Key:
    return item.key


_derived_in_order, _in_order = remembered_order(_key), remembered_order(_key)


@remembered_groups
def by_service(item: EndpointSlice) -> tuple[str, str]:
    """Return slices by the namespace and the name of the Service that they belong to."""
    return item.metadata.namespace, item.service_name


def _by_label(cluster: Cluster, assignments: Assignments) -> LabelIndex:
    """Every Pod that can be an endpoint, under each of its labels: most Services then look at few Pods."""
    index: LabelIndex = {}
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if bound and bound.ips and bound.node in assignments.nodes and pod.status.phase not in FINAL_PHASES:
            for name, value in pod.metadata.labels.items():
                index.setdefault((pod.metadata.namespace, name, value), []).extend((pod, bound))
    return index


def _candidates(service: Service, index: LabelIndex) -> list[Pod | PodAssignment]:
    """The fewest Pods among which all that the selector finds must be."""
    namespace = service.metadata.namespace
    return min((index.get((namespace, *pair), []) for pair in service.spec.selector.items()), key=len)


class _Slices:
    """The slices of one Service in one IP family. `zones` are those of the Nodes by name."""

    def __init__(self, service: Service, family: IPFamily, assignments: Assignments, zones: Mapping[str, str]) -> None:
        self.service, self.family, self.assignments, self.zones = service, family, assignments, zones

    def of(self, pods: Iterable[Pod]) -> Iterator[EndpointSlice]:
        """Yield the slices of those Pods that the Service selects; an empty one if there are none."""
        groups: dict[tuple[EndpointPort, ...], list[Endpoint]] = {}
        for pod in pods:
            if selects(self.service.spec.selector, pod.metadata.labels):
                groups.setdefault(tuple(_ports(self.service, pod)), []).extend(self._endpoints(pod))
        groups = groups or {(): []}
        for ports, endpoints in sorted(groups.items(), key=lambda item: repr(item[0])):
            for start in range(0, len(endpoints) or 1, MAX_ENDPOINTS):
                yield self._slice(ports, tuple(endpoints[start : start + MAX_ENDPOINTS]), start)

    def _slice(self, ports: tuple[EndpointPort, ...], endpoints: tuple[Endpoint, ...], start: int) -> EndpointSlice:
        meta = self.service.metadata
        labels: Labels = {EndpointSlice.SERVICE_LABEL: meta.name, MANAGED_BY: CONTROLLER}
        return EndpointSlice(
            metadata=ObjectMeta(
                name=slice_name(meta.name, meta.uid, repr(ports), str(start), *(["IPv6"] if self.family == "IPv6" else [])),
                namespace=meta.namespace,
                labels=labels,
                owner_references=(OwnerReference(api_version="v1", kind="Service", name=meta.name, uid=meta.uid),),
                creation_timestamp=meta.creation_timestamp,
            ),
            address_type=self.family,
            ports=ports,
            endpoints=endpoints,
        )

    def _endpoints(self, pod: Pod) -> Iterator[Endpoint]:
        """The Pod as an endpoint, if it has an address of the family."""
        spec, bound = self.service.spec, self.assignments.pods[pod.key]
        addresses = tuple(ip for ip in bound.ips if family_of(ip) == self.family)
        ready = pod.is_ready or spec.publish_not_ready_addresses
        zone = self.zones.get(bound.node, "")
        if addresses:
            yield Endpoint(
                addresses=addresses,
                conditions=EndpointConditions(
                    ready=ready, serving=pod.is_serving, terminating=bool(pod.metadata.deletion_timestamp)
                ),
                hostname=pod.spec.hostname if pod.spec.subdomain == self.service.metadata.name else "",
                node_name=bound.node,
                zone=zone,
                hints=_hints(spec.traffic_distribution, bound.node, zone) if ready else None,
                target_ref=ObjectReference(name=pod.metadata.name, namespace=pod.metadata.namespace, uid=pod.metadata.uid),
            )


def _ports(service: Service, pod: Pod) -> Iterator[EndpointPort]:
    """The ports of a Service as this Pod offers them; a named one the Pod does not have is left out."""
    for port in service.spec.ports:
        number = _target(port, pod)
        if number:
            yield EndpointPort(name=port.name, port=number, protocol=port.protocol, app_protocol=port.app_protocol)


def _target(port: ServicePort, pod: Pod) -> int:
    if isinstance(port.target_port, int):
        return port.target_port or port.port
    named = (
        item.container_port
        for container in (*pod.spec.containers, *pod.spec.sidecars)
        for item in container.ports
        if item.name == port.target_port and item.protocol == port.protocol
    )
    return next(named, 0)


def _hints(wish: TrafficDistribution, node: str, zone: str) -> EndpointHints | None:
    """For whom an endpoint is, if the Service wishes for near ones."""
    zones = (ForZone(name=zone),) if zone and wish else ()
    nodes = (ForNode(name=node),) if wish == "PreferSameNode" else ()
    return EndpointHints(for_zones=zones, for_nodes=nodes) if zones or nodes else None

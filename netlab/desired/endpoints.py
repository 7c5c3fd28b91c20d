"""Which Pods stand behind a Service: EndpointSlices from selectors, and who of them gets traffic.

Slices made here are derived and never stored; hand-written ones are objects like others. One slice for each set of port
numbers (a named targetPort may differ from Pod to Pod) and at most MAX_ENDPOINTS endpoints.
Source: Kubernetes docs, EndpointSlices; endpointslice controller; kube-proxy topology.go (CategorizeEndpoints).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from netlab.desired.assignments import Assignments
from netlab.model.lab import Cluster
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import Labels, ObjectMeta, OwnerReference, selects
from netlab.model.pod import Pod
from netlab.model.service import (
    Endpoint,
    EndpointConditions,
    EndpointPort,
    EndpointSlice,
    ObjectReference,
    Service,
    ServicePort,
)
from netlab.netstate.names import digest

MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
CONTROLLER = "endpointslice-controller.k8s.io"
MAX_ENDPOINTS = 100
NAME_MAX = 253


LabelIndex = dict[tuple[str, str, str], list[Pod]]
"""Pods by namespace, label and its value."""


class Target(NamedTuple):
    """Where a packet for a Service goes in the end."""

    ip: str
    port: int


def derive_slices(cluster: Cluster, assignments: Assignments) -> tuple[EndpointSlice, ...]:
    """Return the slices of all Services with a selector, sorted by key. ExternalName Services have none."""
    index = _by_label(cluster, assignments)
    found = [
        item
        for service in cluster.services
        if service.spec.selector and service.spec.type != "ExternalName"
        for item in _slices(service, _candidates(service, index), assignments)
    ]
    return tuple(sorted(found, key=lambda item: item.key))


def all_slices(cluster: Cluster, assignments: Assignments) -> tuple[EndpointSlice, ...]:
    """Return the hand-written slices and the derived ones, sorted by key."""
    return tuple(cluster.with_objects(derive_slices(cluster, assignments)).slices)


def effective_endpoints(slices: Iterable[EndpointSlice], port: ServicePort) -> tuple[Target, ...]:
    """Return who gets traffic for this Service port, sorted: the ready ones; if there are none, those still serving.

    Only the first address of an endpoint counts; of the same address and port twice, one remains.
    """
    ready: set[Target] = set()
    serving: set[Target] = set()
    for item in slices:
        for target in item.ports if item.address_type == "IPv4" else ():
            if (target.name, target.protocol) != (port.name, port.protocol):
                continue
            for endpoint in item.endpoints:
                found = Target(endpoint.addresses[0], target.port)
                if endpoint.conditions.ready:
                    ready.add(found)
                elif endpoint.conditions.serving and endpoint.conditions.terminating:
                    serving.add(found)
    return tuple(sorted(ready or serving, key=lambda item: (_number(item.ip), item.port)))


def _by_label(cluster: Cluster, assignments: Assignments) -> LabelIndex:
    """Every Pod that can be an endpoint, under each of its labels: most Services then look at few Pods."""
    index: LabelIndex = {}
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if bound and bound.ips and bound.node in assignments.nodes and pod.status.phase not in FINAL_PHASES:
            for name, value in pod.metadata.labels.items():
                index.setdefault((pod.metadata.namespace, name, value), []).append(pod)
    return index


def _candidates(service: Service, index: LabelIndex) -> list[Pod]:
    """The fewest Pods among which all that the selector finds must be."""
    namespace = service.metadata.namespace
    return min((index.get((namespace, *pair), []) for pair in service.spec.selector.items()), key=len)


def _number(ip: str) -> tuple[int, ...]:
    return tuple(int(part) for part in ip.split("."))


def _slices(service: Service, pods: Iterable[Pod], assignments: Assignments) -> Iterator[EndpointSlice]:
    groups: dict[tuple[EndpointPort, ...], list[Endpoint]] = {}
    for pod in pods:
        if selects(service.spec.selector, pod.metadata.labels):
            groups.setdefault(tuple(_ports(service, pod)), []).append(_endpoint(service, pod, assignments))
    groups = groups or {(): []}
    for ports, endpoints in sorted(groups.items(), key=lambda item: repr(item[0])):
        for start in range(0, len(endpoints) or 1, MAX_ENDPOINTS):
            yield _slice(service, ports, tuple(endpoints[start : start + MAX_ENDPOINTS]), start)


def _slice(service: Service, ports: tuple[EndpointPort, ...], endpoints: tuple[Endpoint, ...], start: int) -> EndpointSlice:
    meta = service.metadata
    labels: Labels = {EndpointSlice.SERVICE_LABEL: meta.name, MANAGED_BY: CONTROLLER}
    suffix = digest(meta.uid, repr(ports), str(start))[:5]
    return EndpointSlice(
        metadata=ObjectMeta(
            name=f"{meta.name[: NAME_MAX - 6]}-{suffix}",
            namespace=meta.namespace,
            labels=labels,
            owner_references=(OwnerReference(api_version="v1", kind="Service", name=meta.name, uid=meta.uid),),
            creation_timestamp=meta.creation_timestamp,
        ),
        ports=ports,
        endpoints=endpoints,
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


def _endpoint(service: Service, pod: Pod, assignments: Assignments) -> Endpoint:
    terminating = bool(pod.metadata.deletion_timestamp)
    ready = pod.is_ready or service.spec.publish_not_ready_addresses
    bound = assignments.pods[pod.key]
    return Endpoint(
        addresses=bound.ips,
        conditions=EndpointConditions(ready=ready, serving=pod.is_serving, terminating=terminating),
        hostname=pod.spec.hostname if pod.spec.subdomain == service.metadata.name else "",
        node_name=bound.node,
        target_ref=ObjectReference(name=pod.metadata.name, namespace=pod.metadata.namespace, uid=pod.metadata.uid),
    )

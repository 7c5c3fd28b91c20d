"""`netlab describe`: one object with all that belongs to it, for a human: what it is, what follows from it, what happened."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import click

from netlab.cli.columns import pairs, service_ports, slice_endpoints
from netlab.cli.events import last_seen
from netlab.cli.options import example, lab_option, live_lab, namespace_option
from netlab.cli.words import KINDS, is_namespaced, keys, kinds
from netlab.desired.workloads import replicas_by_owner
from netlab.engine.view import open_store, read_lab
from netlab.errors import NotFound
from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.lifecycle import status_word
from netlab.model.meta import Key
from netlab.model.pod import Container, ContainerStatus, Pod
from netlab.model.service import EndpointSlice, Service
from netlab.model.workload import ConfigMap, Deployment, Namespace, Node
from netlab.store.events import Event, events

Line = tuple[int, str, str]
"""Indentation in steps of two, label, text."""


@click.command(
    "describe", epilog=example("netlab describe service redis-slave", "netlab describe pods", "netlab describe node node-1")
)
@click.argument("words", nargs=-1, required=True, metavar="KIND [NAME...] | KIND/NAME...")
@namespace_option
@lab_option
def command(*, words: tuple[str, ...], namespace: str | None, lab: str) -> None:
    """Show one object with all that belongs to it."""
    paths = live_lab(lab)
    cluster = read_lab(paths)
    with contextlib.closing(open_store(paths)) as store:
        known = events(store)
    scope = namespace or "default"
    wanted = keys(words, scope) or _all(cluster, words[0], scope)
    for key in wanted:
        if key not in cluster.objects:
            raise NotFound(f'{KINDS[key.kind][0]} "{key.name}" not found')
    now = time.time()
    texts = [describe(cluster.objects[key], cluster, [event for event in known if event.about == key], now) for key in wanted]
    click.echo("\n\n\n".join(texts))


def _all(cluster: Cluster, word: str, namespace: str) -> list[Key]:
    return [
        key for kind in kinds(word) for key in sorted(cluster.objects)
        if key.kind == kind and (key.namespace == namespace or not is_namespaced(kind))
    ]  # fmt: skip


def describe(item: KubernetesObject, cluster: Cluster, known: list[Event], now: float) -> str:
    """Return the text about one object."""
    lines = [*_meta(item), *_body(item, cluster)]
    width = max(len(label) + 2 * depth for depth, label, text in lines if text) + 2
    printed = [f"{'  ' * depth + label + ':':<{width}}{text}".rstrip() for depth, label, text in lines]
    if known:
        printed.append("Events:")
        printed += [f"  {last_seen(event, now)}  {event.type}  {event.reason}  {event.message}" for event in known]
    else:
        printed.append(f"{'Events:':<{width}}<none>")
    return "\n".join(printed)


def _meta(item: KubernetesObject) -> Iterator[Line]:
    meta = item.metadata
    yield 0, "Name", meta.name
    if meta.namespace:
        yield 0, "Namespace", meta.namespace
    yield from _each("Labels", [f"{key}={value}" for key, value in sorted(meta.labels.items())])
    yield from _each("Annotations", [f"{key}: {value}" for key, value in sorted(meta.annotations.items())])
    for owner in meta.owner_references:
        yield 0, "Controlled By", f"{owner.kind}/{owner.name}"


def _each(label: str, values: list[str]) -> Iterator[Line]:
    yield 0, label, ", ".join(values) or "<none>"


def _body(item: KubernetesObject, cluster: Cluster) -> Iterator[Line]:
    match item:
        case Pod():
            yield from _pod(item)
        case Service():
            yield from _service(item, cluster)
        case EndpointSlice():
            yield from _slice(item)
        case Deployment():
            yield from _deployment(item, cluster)
        case ConfigMap():
            for key, value in item.data.items():
                yield 0, key, value if len(value) <= 60 and "\n" not in value else f"{len(value)} characters"
        case Namespace():
            yield 0, "Status", "Terminating" if item.metadata.deletion_timestamp else "Active"
        case Node():
            yield from _node(item, cluster)


def _pod(pod: Pod) -> Iterator[Line]:
    yield 0, "Node", f"{pod.spec.node_name or '<none>'}{'/' + pod.status.host_ip if pod.status.host_ip else ''}"
    yield 0, "Start Time", pod.status.start_time or "<none>"
    yield 0, "Status", status_word(pod)
    if pod.status.message:
        yield 0, "Message", pod.status.message
    yield 0, "IP", ", ".join(pod.status.pod_ips) or "<none>"
    statuses = {status.name: status for status in pod.status.container_statuses}
    yield 0, "Containers", ""
    for container in pod.spec.containers:
        yield 1, container.name, ""
        yield from _container(container, statuses.get(container.name, ContainerStatus(name=container.name)))
    for volume in pod.spec.volumes:
        source = f"HostPath {volume.host_path.path}" if volume.host_path else "EmptyDir, lives as long as the Pod"
        yield 0, f"Volume {volume.name}", source
    yield 0, "Restart Policy", pod.spec.restart_policy
    if pod.spec.node_selector:
        yield 0, "Node-Selectors", pairs(pod.spec.node_selector)


def _container(container: Container, status: ContainerStatus) -> Iterator[Line]:
    yield 2, "Image", container.image
    ports = ", ".join(f"{port.container_port}/{port.protocol}" for port in container.ports)
    if ports:
        yield 2, "Ports", ports
    words = " ".join((*container.command, *container.args)).splitlines() or [""]
    yield 2, "Command", words[0][:100] + (" ..." if len(words) > 1 or len(words[0]) > 100 else "")
    yield 2, "State", status.state.capitalize()
    if status.reason:
        yield 3, "Reason", status.reason
    if status.message:
        yield 3, "Message", status.message
    if status.exit_code is not None:
        yield 3, "Exit Code", str(status.exit_code)
    if status.started_at:
        yield 3, "Started", status.started_at
    if status.finished_at:
        yield 3, "Finished", status.finished_at
    yield 2, "Ready", str(status.state == "running")
    yield 2, "Restart Count", str(status.restart_count)
    for mount in container.volume_mounts:
        yield 2, "Mount", f"{mount.mount_path} from {mount.name} ({'ro' if mount.read_only else 'rw'})"


def _service(service: Service, cluster: Cluster) -> Iterator[Line]:
    spec = service.spec
    yield 0, "Selector", pairs(spec.selector)
    yield 0, "Type", spec.type
    yield 0, "IP", spec.cluster_ip or "<none>"
    if spec.external_name:
        yield 0, "External Name", spec.external_name
    yield 0, "Port(s)", service_ports(service)
    slices = [
        item
        for item in cluster.slices
        if item.service_name == service.metadata.name and item.metadata.namespace == service.metadata.namespace
    ]
    for port in spec.ports:
        label = port.name or "<unset>"
        yield 1, "Port", f"{label} {port.port}/{port.protocol}"
        yield 1, "TargetPort", f"{port.target_port}/{port.protocol}"
        if port.node_port:
            yield 1, "NodePort", f"{port.node_port}/{port.protocol}"
        found = [
            f"{endpoint.addresses[0]}:{target.port}"
            for item in slices
            for target in item.ports
            for endpoint in item.endpoints
            if target.name == port.name and endpoint.conditions.ready
        ]
        yield 1, "Endpoints", ",".join(found) or "<none>"


def _slice(item: EndpointSlice) -> Iterator[Line]:
    yield 0, "AddressType", item.address_type
    for port in item.ports:
        yield 0, "Port", f"{port.name or '<unset>'} {port.port}/{port.protocol}"
    yield 0, "Addresses", slice_endpoints(item)
    for endpoint in item.endpoints:
        yield 1, endpoint.addresses[0], ""
        yield 2, "Ready", str(endpoint.conditions.ready)
        if endpoint.target_ref:
            yield 2, "TargetRef", f"{endpoint.target_ref.kind}/{endpoint.target_ref.name}"
        if endpoint.node_name:
            yield 2, "NodeName", endpoint.node_name


def _deployment(item: Deployment, cluster: Cluster) -> Iterator[Line]:
    pods = replicas_by_owner(cluster).get(item.metadata.uid, [])
    yield 0, "Selector", pairs(item.spec.selector.match_labels)
    yield 0, "Replicas", f"{item.spec.replicas} desired, {len(pods)} total, {sum(pod.is_ready for pod in pods)} available"
    for pod in pods:
        yield 1, "Pod", f"{pod.metadata.name} {status_word(pod)} {pod.spec.node_name}"


def _node(node: Node, cluster: Cluster) -> Iterator[Line]:
    yield 0, "Ready", str(node.is_ready)
    yield 0, "InternalIP", node.internal_ip or "<none>"
    yield 0, "PodCIDR", node.spec.pod_cidr or "<none>"
    for pod in cluster.pods:
        if pod.spec.node_name == node.metadata.name:
            yield 1, f"{pod.metadata.namespace}/{pod.metadata.name}", ", ".join(pod.status.pod_ips)

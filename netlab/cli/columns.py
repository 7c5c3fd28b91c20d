"""kubectl's tables: for each kind its columns, and how a cell is made. `-o wide` adds the columns of the second list.

Source: kubectl get, printers/internalversion.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from netlab.cli.cells import age, duration, pairs, selector_words
from netlab.model.config import ConfigMap, Secret
from netlab.model.daemon_set import DaemonSet
from netlab.model.endpoints import Endpoints
from netlab.model.event import Event
from netlab.model.job import Job
from netlab.model.lab import KubernetesObject
from netlab.model.lifecycle import status_word
from netlab.model.node import Namespace, Node
from netlab.model.pod import Pod, PodSpec
from netlab.model.service import EndpointSlice, Service
from netlab.model.times import epoch
from netlab.model.workload import Deployment, ReplicaSet
from netlab.netstate.links import socket_text

Cell = Callable[[Any, float], str]
MAX_ENDPOINTS = 3


def _name(item: KubernetesObject, _: float) -> str:
    return item.metadata.name


def _age(item: KubernetesObject, now: float) -> str:
    return age(item.metadata.creation_timestamp, now)


def _restarts(pod: Pod, now: float) -> str:
    statuses = pod.all_statuses
    total = sum(status.restart_count for status in statuses)
    latest = max((status.last_state.finished_at for status in statuses if status.last_state), default="")
    return f"{total} ({age(latest, now)} ago)" if total and latest else str(total)


def _ready(pod: Pod, _: float = 0.0) -> str:
    ready = sum(status.ready for status in pod.lasting_statuses)
    return f"{ready}/{len(pod.spec.containers) + len(pod.spec.sidecars)}"


def service_ports(service: Service, _: float = 0.0) -> str:
    """Return PORT(S): `80/TCP`, or `80:30080/TCP` with a NodePort."""
    ports = (f"{port.port}{f':{port.node_port}' if port.node_port else ''}/{port.protocol}" for port in service.spec.ports)
    return ",".join(ports) or "<none>"


def _external_ip(service: Service, _: float = 0.0) -> str:
    """As kubectl says it: a load balancer without an address waits for one."""
    spec = service.spec
    if spec.type == "ExternalName":
        return spec.external_name
    found = [*spec.external_ips, *(item.ip for item in service.status.load_balancer.ingress)]
    return ",".join(found) or ("<pending>" if spec.type == "LoadBalancer" else "<none>")


def slice_endpoints(item: EndpointSlice, _: float = 0.0) -> str:
    """Return the addresses of a slice, the first three by name."""
    found = [address for endpoint in item.endpoints for address in endpoint.addresses[:1]]
    more = len(found) - MAX_ENDPOINTS
    return ",".join(found[:MAX_ENDPOINTS]) + (f" + {more} more..." if more > 0 else "") or "<unset>"


def endpoint_sockets(item: Endpoints, _: float = 0.0) -> str:
    """Return ENDPOINTS: each ready address with each port of its subset, the first three by name."""
    if not item.subsets:
        return "<none>"
    found = [
        socket_text(address.ip, port.port) if port else address.ip
        for subset in item.subsets
        for port in subset.ports or (None,)
        for address in subset.addresses
    ]
    more = len(found) - MAX_ENDPOINTS
    return ",".join(found[:MAX_ENDPOINTS]) + (f" + {more} more..." if more > 0 else "")


def _slice_ports(item: EndpointSlice, _: float = 0.0) -> str:
    return ",".join(str(port.port) for port in item.ports) or "<unset>"


def _names_of(spec: PodSpec) -> str:
    return ",".join(container.name for container in spec.containers)


def _images_of(spec: PodSpec) -> str:
    return ",".join(container.image for container in spec.containers)


def node_roles(node: Node, _: float = 0.0) -> str:
    """Return the roles that labels give a Node, or `<none>`."""
    prefix = "node-role.kubernetes.io/"
    return (
        ",".join(label.removeprefix(prefix) for label in sorted(node.metadata.labels) if label.startswith(prefix)) or "<none>"
    )


def _node_status(node: Node, _: float = 0.0) -> str:
    return f"{'Ready' if node.is_ready else 'NotReady'}{',SchedulingDisabled' if node.spec.unschedulable else ''}"


NAME, AGE = ("NAME", cast("Cell", _name)), ("AGE", cast("Cell", _age))
Columns = tuple[tuple[str, Cell], ...]


def _job_status(item: Job, _: float) -> str:
    """The last condition that says it all, or Running."""
    words = [one.type for one in item.status.conditions if one.status == "True"]
    return next((word for word in ("Complete", "Failed", "Suspended", "FailureTarget") if word in words), "Running")


def _completions(item: Job, _: float) -> str:
    if item.spec.completions is not None:
        return f"{item.status.succeeded}/{item.spec.completions}"
    return f"{item.status.succeeded}/1" + (f" of {item.spec.parallelism}" if item.spec.parallelism > 1 else "")


def _job_duration(item: Job, now: float) -> str:
    if not item.status.start_time:
        return ""
    end = epoch(item.status.completion_time) if item.status.completion_time else now
    return duration(max(0, int(end - epoch(item.status.start_time))))


TEMPLATE: tuple[tuple[str, Cell], ...] = (
    ("CONTAINERS", lambda item, _: _names_of(item.spec.template.spec)),
    ("IMAGES", lambda item, _: _images_of(item.spec.template.spec)),
    ("SELECTOR", lambda item, _: selector_words(item.spec.selector) if item.spec.selector else "<none>"),
)
COLUMNS: dict[str, tuple[Columns, Columns]] = {
    Pod.kind: (
        (NAME, ("READY", _ready), ("STATUS", lambda pod, _: status_word(pod)), ("RESTARTS", _restarts), AGE),
        (
            ("IP", lambda pod, _: ",".join(pod.status.pod_ips[:1]) or "<none>"),
            ("NODE", lambda pod, _: pod.spec.node_name or "<none>"),
            ("NOMINATED NODE", lambda *_: "<none>"),  # nothing is preempted, and there are no readiness gates
            ("READINESS GATES", lambda *_: "<none>"),
        ),
    ),
    Service.kind: (
        (
            NAME,
            ("TYPE", lambda service, _: service.spec.type),
            ("CLUSTER-IP", lambda service, _: service.spec.cluster_ip or "<none>"),
            ("EXTERNAL-IP", _external_ip),
            ("PORT(S)", service_ports),
            AGE,
        ),
        (("SELECTOR", lambda service, _: pairs(service.spec.selector)),),
    ),
    Endpoints.kind: ((NAME, ("ENDPOINTS", endpoint_sockets), AGE), ()),
    EndpointSlice.kind: (
        (
            NAME,
            ("ADDRESSTYPE", lambda item, _: item.address_type),
            ("PORTS", _slice_ports),
            ("ENDPOINTS", slice_endpoints),
            AGE,
        ),
        (),
    ),
    Deployment.kind: (
        (
            NAME,
            ("READY", lambda item, _: f"{item.status.ready_replicas}/{item.spec.replicas}"),
            ("UP-TO-DATE", lambda item, _: str(item.status.updated_replicas)),
            ("AVAILABLE", lambda item, _: str(item.status.available_replicas)),
            AGE,
        ),
        TEMPLATE,
    ),
    ReplicaSet.kind: (
        (
            NAME,
            ("DESIRED", lambda item, _: str(item.spec.replicas)),
            ("CURRENT", lambda item, _: str(item.status.replicas)),
            ("READY", lambda item, _: str(item.status.ready_replicas)),
            AGE,
        ),
        TEMPLATE,
    ),
    DaemonSet.kind: (
        (
            NAME,
            ("DESIRED", lambda item, _: str(item.status.desired_number_scheduled)),
            ("CURRENT", lambda item, _: str(item.status.current_number_scheduled)),
            ("READY", lambda item, _: str(item.status.number_ready)),
            ("UP-TO-DATE", lambda item, _: str(item.status.updated_number_scheduled)),
            ("AVAILABLE", lambda item, _: str(item.status.number_available)),
            ("NODE SELECTOR", lambda item, _: pairs(item.spec.template.spec.node_selector)),
            AGE,
        ),
        TEMPLATE,
    ),
    Job.kind: (
        (NAME, ("STATUS", _job_status), ("COMPLETIONS", _completions), ("DURATION", _job_duration), AGE),
        TEMPLATE,
    ),
    ConfigMap.kind: ((NAME, ("DATA", lambda item, _: str(len(item.data) + len(item.binary_data))), AGE), ()),
    Secret.kind: ((NAME, ("TYPE", lambda item, _: item.type), ("DATA", lambda item, _: str(len(item.data))), AGE), ()),
    Namespace.kind: (
        (NAME, ("STATUS", lambda item, _: "Terminating" if item.metadata.deletion_timestamp else "Active"), AGE),
        (),
    ),
    Node.kind: (
        (
            NAME,
            ("STATUS", _node_status),
            ("ROLES", node_roles),
            AGE,
            ("VERSION", lambda node, _: node.status.node_info.kubelet_version),
        ),
        (
            ("INTERNAL-IP", lambda node, _: node.internal_ip or "<none>"),
            ("EXTERNAL-IP", lambda *_: "<none>"),  # no Node has an address of the Internet
            ("OS-IMAGE", lambda node, _: node.status.node_info.os_image or "<unknown>"),
            ("KERNEL-VERSION", lambda node, _: node.status.node_info.kernel_version or "<unknown>"),
            ("CONTAINER-RUNTIME", lambda node, _: node.status.node_info.container_runtime_version or "<unknown>"),
            ("POD-CIDR", lambda node, _: ",".join(node.spec.pod_cidrs) or "<none>"),  # netlab's own column
        ),
    ),
    Event.kind: (
        (
            ("LAST SEEN", lambda event, now: age(event.last_timestamp, now)),
            ("TYPE", lambda event, _: event.type),
            ("REASON", lambda event, _: event.reason),
            ("OBJECT", lambda event, _: str(event.about)),
            ("MESSAGE", lambda event, _: event.message.strip()),
        ),
        (
            ("SOURCE", lambda event, _: event.source.component),
            ("FIRST SEEN", lambda event, now: age(event.first_timestamp, now)),
            ("COUNT", lambda event, _: str(event.count)),
            NAME,
        ),
    ),
}

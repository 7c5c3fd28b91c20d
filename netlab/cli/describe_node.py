"""What `describe` says of a Node, and of taints and tolerations. Source: kubectl describe (v1.32)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from netlab.cli.columns import node_roles
from netlab.cli.describe_resources import allocation_lines
from netlab.cli.tabbed import NONE, block, listed, long_time, mapping
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.node import Node, NodeCondition, NodeSystemInfo, Quantities
from netlab.model.pod import Pod
from netlab.model.taint import Taint, Toleration

CONDITION_HEADINGS = ("Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message")


def node_lines(node: Node, pods: Sequence[Pod], now: float) -> Iterator[str]:
    """Yield what there is to say of a Node. `pods` are all of the lab."""
    status = node.status
    yield f"Roles:\t{node_roles(node)}"
    yield from mapping("Labels", node.metadata.labels)
    yield from mapping("Annotations", node.metadata.annotations, sign=": ")
    yield f"CreationTimestamp:\t{long_time(node.metadata.creation_timestamp)}"
    yield from listed("Taints", taint_words(node.spec.taints))
    yield f"Unschedulable:\t{str(node.spec.unschedulable).lower()}"
    yield from block("Conditions", CONDITION_HEADINGS, map(_condition, status.conditions))
    yield "Addresses:"
    yield from (f"  {item.type}:\t{item.address}" for item in status.addresses)
    yield from _quantities("Capacity", status.capacity)
    yield from _quantities("Allocatable", status.allocatable)
    yield from _system_info(status.node_info)
    yield f"PodCIDR:\t{node.spec.pod_cidr or NONE}"
    yield f"PodCIDRs:\t{','.join(node.spec.pod_cidrs) or NONE}"
    mine = [pod for pod in pods if pod.spec.node_name == node.metadata.name and pod.status.phase not in FINAL_PHASES]
    yield from allocation_lines(node, mine, now)


def taint_words(taints: Iterable[Taint]) -> list[str]:
    """Return each taint as `key=value:effect`, sorted by effect and key, as kubectl does."""
    return [str(taint) for taint in sorted(taints, key=lambda taint: (taint.effect, taint.key))]


def toleration_words(tolerations: Iterable[Toleration]) -> list[str]:
    """Return each toleration in kubectl's words, sorted by its key: `gpu=yes:NoExecute for 5s`, `disk op=Exists`."""
    return [_toleration_word(item) for item in sorted(tolerations, key=lambda item: item.key)]


def _condition(item: NodeCondition) -> list[str]:
    times = long_time(item.last_heartbeat_time), long_time(item.last_transition_time)
    return [item.type, item.status, *times, item.reason, item.message]


def _toleration_word(item: Toleration) -> str:
    text = f"{item.key}{f'={item.value}' if item.value else ''}{f':{item.effect}' if item.effect else ''}"
    if item.operator == "Exists" and not item.value:
        text += " op=Exists" if item.key or item.effect else "op=Exists"
    return text if item.toleration_seconds is None else f"{text} for {item.toleration_seconds}s"


def _quantities(label: str, found: Quantities) -> Iterator[str]:
    if found:
        yield f"{label}:"
        yield from (f"  {name}:\t{amount}" for name, amount in sorted(found.items()))


def _system_info(info: NodeSystemInfo) -> Iterator[str]:
    yield "System Info:"
    yield f"  Machine ID:\t{info.machine_id}"
    yield f"  System UUID:\t{info.system_uuid}"
    yield f"  Boot ID:\t{info.boot_id}"
    yield f"  Kernel Version:\t{info.kernel_version}"
    yield f"  OS Image:\t{info.os_image}"
    yield f"  Operating System:\t{info.operating_system}"
    yield f"  Architecture:\t{info.architecture}"
    yield f"  Container Runtime Version:\t{info.container_runtime_version}"
    yield f"  Kubelet Version:\t{info.kubelet_version}"
    yield "  Kube-Proxy Version:\t"

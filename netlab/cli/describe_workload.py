"""What `describe` says of a Deployment, a ConfigMap, a Namespace and a Node. Source: kubectl describe (v1.32)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netlab.cli.columns import age, node_roles, pairs
from netlab.cli.describe_pod import template_lines
from netlab.cli.tabbed import NONE, block, long_time, mapping
from netlab.model.lifecycle import FINAL_PHASES, status_word
from netlab.model.pod import Pod
from netlab.model.workload import ConfigMap, Deployment, Namespace, Node


def deployment_lines(item: Deployment, pods: Sequence[Pod]) -> Iterator[str]:
    """Yield what there is to say of a Deployment behind its Namespace. `pods` are its own."""
    status = item.status
    yield f"CreationTimestamp:\t{long_time(item.metadata.creation_timestamp)}"
    yield from mapping("Labels", item.metadata.labels)
    yield from mapping("Annotations", item.metadata.annotations, sign=": ")
    yield f"Selector:\t{pairs(item.spec.selector.match_labels)}"
    counts = (
        (item.spec.replicas, "desired"), (status.updated_replicas, "updated"), (status.replicas, "total"),
        (status.available_replicas, "available"), (status.unavailable_replicas, "unavailable"),
    )  # fmt: skip
    yield f"Replicas:\t{' | '.join(f'{count} {word}' for count, word in counts)}"
    yield from template_lines(item.spec.template)
    conditions = [[condition.type, condition.status, condition.reason] for condition in status.conditions]
    if conditions:
        yield from block("Conditions", ["Type", "Status", "Reason"], conditions)
    yield from block("Pods", ["Name", "Status", "Node"], [
        [pod.metadata.name, status_word(pod), pod.spec.node_name or NONE] for pod in pods
    ])  # fmt: skip


def config_map_lines(item: ConfigMap) -> Iterator[str]:
    """Yield the data of a ConfigMap, whole and line by line."""
    yield from ("", "Data", "====")
    for key, value in sorted(item.data.items()):
        yield from (f"{key}:", "----", *value.split("\n"), "")
    yield from ("", "BinaryData", "====", "")


def namespace_lines(item: Namespace) -> Iterator[str]:
    """Yield what there is to say of a Namespace behind its annotations."""
    yield f"Status:\t{'Terminating' if item.metadata.deletion_timestamp else 'Active'}"
    yield from ("", "No resource quota.", "", "No LimitRange resource.")


def node_lines(node: Node, pods: Sequence[Pod], now: float) -> Iterator[str]:
    """Yield what there is to say of a Node. `pods` are all of the lab."""
    yield f"Roles:\t{node_roles(node)}"
    yield from mapping("Labels", node.metadata.labels)
    yield from mapping("Annotations", node.metadata.annotations, sign=": ")
    yield f"CreationTimestamp:\t{long_time(node.metadata.creation_timestamp)}"
    yield from block("Conditions", ["Type", "Status"], [["Ready", str(node.is_ready)]])
    yield "Addresses:"
    yield f"  InternalIP:\t{node.internal_ip or NONE}"
    yield f"  Hostname:\t{node.metadata.name}"
    yield f"PodCIDR:\t{node.spec.pod_cidr or NONE}"
    yield f"PodCIDRs:\t{','.join(node.spec.pod_cidrs) or NONE}"
    mine = [pod for pod in pods if pod.spec.node_name == node.metadata.name and pod.status.phase not in FINAL_PHASES]
    yield f"Non-terminated Pods:\t({len(mine)} in total)"
    rows = [[pod.metadata.namespace, pod.metadata.name, age(pod.metadata.creation_timestamp, now)] for pod in mine]
    yield from list(block("", ["Namespace", "Name", "Age"], rows))[1:]

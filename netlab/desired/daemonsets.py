"""DaemonSets become Pods: one on each Node that fits, whatever else is there. Level-triggered, pure.

A Pod is bound to its Node from the beginning and tolerates what drives others away from a Node in trouble. A changed template
replaces Pods Node by Node, those first that are not available; with OnDelete it waits until somebody deletes them.
Source: Kubernetes docs, DaemonSet; pkg/controller/daemon: daemon_controller.go, update.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from netlab.desired.availability import available_at, is_available
from netlab.desired.changes import Changes
from netlab.desired.owning import by_controller, claim, is_active
from netlab.desired.power import taints_of
from netlab.desired.replicasets import names_in, pod_events
from netlab.desired.rollouts import part_of
from netlab.desired.templates import free_names, new_pod, template_hash
from netlab.model.daemon_set import DaemonSet, DaemonSetStatus, RollingUpdateDaemonSet
from netlab.model.lab import Cluster
from netlab.model.node import Node
from netlab.model.pod import Pod
from netlab.model.taint import Toleration, tolerating

HASH_LABEL = "controller-revision-hash"
FORBIDDING, DRIVING = frozenset({"NoSchedule", "NoExecute"}), frozenset({"NoExecute"})
# What a Pod of a DaemonSet bears beside what it says: it belongs to the Node, in good and in bad times.
TOLERATIONS: tuple[Toleration, ...] = (
    *(
        Toleration(key=f"node.kubernetes.io/{what}", operator="Exists", effect="NoExecute")
        for what in ("not-ready", "unreachable")
    ),
    *(
        Toleration(key=f"node.kubernetes.io/{what}", operator="Exists", effect="NoSchedule")
        for what in ("disk-pressure", "memory-pressure", "pid-pressure", "unschedulable")
    ),
)


def daemon_sets(cluster: Cluster, revision: int, now: float) -> Changes:
    """Return what is to be done so that every DaemonSet has its Pods."""
    changes = Changes()
    wished = [item for item in cluster.daemon_sets if not item.metadata.deletion_timestamp]
    if not wished:
        return changes
    pods = by_controller(cluster.pods)
    for item in wished:
        mine, changed = claim(item, pods.get(item.metadata.uid, ()), pods.get("", ()))
        changes += Changes(put=tuple(changed)) + _converge(cluster, item, mine, revision, now)
    return changes


def fitting_nodes(cluster: Cluster, item: DaemonSet) -> list[str]:
    """Return the names of the Nodes that are to have a Pod of this DaemonSet."""
    return [node.metadata.name for node in cluster.nodes if _fits(cluster, item, node, FORBIDDING)]


def _fits(cluster: Cluster, item: DaemonSet, node: Node, effects: frozenset[str]) -> bool:
    """Tell whether the Node is one of those meant, and no taint with one of these effects forbids it."""
    spec = item.spec.template.spec
    if spec.node_name not in {"", node.metadata.name}:
        return False
    if any(node.metadata.labels.get(key) != value for key, value in spec.node_selector.items()):
        return False
    borne = (*spec.tolerations, *TOLERATIONS)
    forbidding = (taint for taint in taints_of(node, cluster.lab) if taint.effect in effects)
    return all(tolerating(borne, taint) is not None for taint in forbidding)


def _converge(cluster: Cluster, item: DaemonSet, mine: Sequence[Pod], revision: int, now: float) -> Changes:
    nodes, hash_text = fitting_nodes(cluster, item), template_hash(item.spec.template)
    # What runs on a Node stays there until a NoExecute taint drives it away, as on one that cannot be reached.
    staying = [node.metadata.name for node in cluster.nodes if _fits(cluster, item, node, DRIVING)]
    active = {node: [pod for pod in mine if is_active(pod) and pod.spec.node_name == node] for node in staying}
    kept = {node: min(pods, key=_age) for node, pods in active.items() if pods}
    gone = [pod for pod in mine if not pod.metadata.deletion_timestamp and pod not in kept.values()]
    if item.spec.update_strategy.type == "RollingUpdate":
        gone += _outdated(item, kept, hash_text, len(nodes), now)
    # As in Kubernetes, the next Pod of a Node is made when the one before has gone.
    occupied = {pod.spec.node_name for pod in mine}
    names = free_names(item, revision, mine, names_in(cluster, item.metadata.namespace))
    made = [_bound(new_pod(item, next(names)), node, hash_text) for node in nodes if node not in occupied]
    events = (*pod_events(item.key, made, "Created"), *pod_events(item.key, gone, "Deleted"))
    wait = item.spec.min_ready_seconds
    later = (available_at(pod, wait) for pod in kept.values()) if wait else ()
    return Changes(
        put=tuple(made),
        delete=tuple(pod.key for pod in gone),
        events=events,
        moments=tuple(moment for moment in later if moment is not None and moment > now),
    )


def _outdated(item: DaemonSet, kept: dict[str, Pod], hash_text: str, nodes: int, now: float) -> list[Pod]:
    """The Pods of an old template that may go now."""
    rolling = item.spec.update_strategy.rolling_update or RollingUpdateDaemonSet()
    allowed = max(1, part_of(rolling.max_unavailable, nodes, up=True))
    old = [pod for pod in kept.values() if pod.metadata.labels.get(HASH_LABEL) != hash_text]
    available = {pod.key for pod in kept.values() if is_available(pod, item.spec.min_ready_seconds, now)}
    broken = [pod for pod in old if pod.key not in available]
    budget = max(0, allowed - (nodes - len(available)))
    return broken + [pod for pod in old if pod.key in available][:budget]


def _bound(pod: Pod, node: str, hash_text: str) -> Pod:
    labels = {**pod.metadata.labels, HASH_LABEL: hash_text}
    own = pod.spec.tolerations
    spec = replace(pod.spec, node_name=node, tolerations=(*own, *(one for one in TOLERATIONS if one not in own)))
    return replace(pod, metadata=replace(pod.metadata, labels=labels), spec=spec)


def _age(pod: Pod) -> tuple[str, str]:
    return pod.metadata.creation_timestamp, pod.metadata.name


def daemon_set_status(cluster: Cluster, item: DaemonSet, pods: Iterable[Pod], now: float) -> DaemonSetStatus:
    """Return the counts of a DaemonSet. `pods` are its own."""
    nodes, hash_text = fitting_nodes(cluster, item), template_hash(item.spec.template)
    active = [pod for pod in pods if is_active(pod)]
    placed = {pod.spec.node_name: pod for pod in active if pod.spec.node_name in nodes}
    available = sum(is_available(pod, item.spec.min_ready_seconds, now) for pod in placed.values())
    return DaemonSetStatus(
        current_number_scheduled=len(placed),
        number_misscheduled=len([pod for pod in active if pod.spec.node_name not in nodes]),
        desired_number_scheduled=len(nodes),
        number_ready=sum(pod.is_ready for pod in placed.values()),
        updated_number_scheduled=sum(pod.metadata.labels.get(HASH_LABEL) == hash_text for pod in placed.values()),
        number_available=available,
        number_unavailable=len(nodes) - available,
    )

"""ReplicaSets become Pods: which are to be made, which are to go, which are taken in or let go. Level-triggered, pure.

A Pod counts while it is not being deleted and has not ended. Source: Kubernetes docs, ReplicaSet; replica_set.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netlab.desired.availability import is_available
from netlab.desired.changes import Changes
from netlab.desired.owning import by_controller, claim, is_active
from netlab.desired.templates import free_names, new_pod, scale_down_order
from netlab.model.event import Event, event_of
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.workload import ReplicaSet, ReplicaSetStatus


def replica_sets(cluster: Cluster, revision: int, _: float) -> Changes:
    """Return what is to be done so that every ReplicaSet has its Pods."""
    changes = Changes()
    sets = [item for item in cluster.replica_sets if not item.metadata.deletion_timestamp]
    if not sets:
        return changes
    pods = by_controller(cluster.pods)
    nobodys = pods.get("", [])
    for item in sets:
        mine, changed = claim(item, pods.get(item.metadata.uid, ()), nobodys)
        taken = {pod.key for pod in changed}
        nobodys = [pod for pod in nobodys if pod.key not in taken]
        changes += Changes(put=tuple(changed)) + _converge(cluster, item, mine, revision)
    return changes


def _converge(cluster: Cluster, item: ReplicaSet, mine: Sequence[Pod], revision: int) -> Changes:
    active = [pod for pod in mine if is_active(pod)]
    missing = item.spec.replicas - len(active)
    if missing > 0:
        names = free_names(item, revision, mine, names_in(cluster, item.metadata.namespace))
        created = [new_pod(item, next(names)) for _ in range(missing)]
        return Changes(put=tuple(created), events=tuple(pod_events(item.key, created, "Created")))
    surplus = scale_down_order(active)[:-missing] if missing else []
    return Changes(delete=tuple(pod.key for pod in surplus), events=tuple(pod_events(item.key, surplus, "Deleted")))


def names_in(cluster: Cluster, namespace: str) -> set[str]:
    """Return the names of all Pods of a Namespace."""
    return {key.name for key in cluster.objects if key.kind == Pod.kind and key.namespace == namespace}


def pod_events(owner: Key, pods: Iterable[Pod], verb: str) -> Iterable[Event]:
    """Yield what an owner says of the Pods it `Created` or `Deleted`."""
    reason = "SuccessfulCreate" if verb == "Created" else "SuccessfulDelete"
    for pod in pods:
        yield event_of(owner, "Normal", reason, f"{verb} pod: {pod.metadata.name}")


def replica_set_status(item: ReplicaSet, pods: Iterable[Pod], now: float) -> ReplicaSetStatus:
    """Return the counts of a ReplicaSet. `pods` are its own; `now` is in seconds since the epoch."""
    active = [pod for pod in pods if is_active(pod)]
    labels = item.spec.template.metadata.labels.items()
    return ReplicaSetStatus(
        replicas=len(active),
        fully_labeled_replicas=sum(labels <= pod.metadata.labels.items() for pod in active),
        ready_replicas=sum(pod.is_ready for pod in active),
        available_replicas=sum(is_available(pod, item.spec.min_ready_seconds, now) for pod in active),
    )

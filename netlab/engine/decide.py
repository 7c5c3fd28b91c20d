"""Decisions that are kept: Deployments become Pods, Pods get Nodes and addresses, Services get IPs and ports.

The deciding itself is pure (desired/); here its results are stored, in one transaction, before anything is built on them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.workloads import converge
from netlab.model.event import Event, event_of
from netlab.model.lab import Cluster
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.times import rfc3339
from netlab.model.workload import Namespace
from netlab.store.events import record
from netlab.store.store import Store


def decide(store: Store, now: float) -> tuple[Cluster, Assignments]:
    """Return all objects and all choices, the missing ones made and stored. To be called inside a transaction.

    Raises:
        Conflict: a wish contradicts another one, or a range.
        PoolExhausted: no address or port is left.
    """
    cluster = _converge(store, store.cluster(), now)
    cluster = _finish_namespaces(store, cluster)
    earlier = store.assignments()
    assignments = assign(cluster, earlier)
    if assignments != earlier:
        store.put_assignments(assignments)
        for event in scheduling_events(cluster, earlier, assignments):
            record(store, event, now)
    return cluster, assignments


def delete_pods(store: Store, pods: Iterable[Pod], now: float, grace_s: int | None = None) -> list[Pod]:
    """Begin the deletion of Pods and return them as stored; one whose deletion has begun can only be hurried.

    `grace_s` is the time from TERM to KILL in seconds, by default the Pod's own. As in Kubernetes, the deletionTimestamp is
    the moment at which the grace period is over.
    """
    changed = []
    for pod in pods:
        grace = pod.spec.termination_grace_period_seconds if grace_s is None else grace_s
        stamp = rfc3339(math.ceil(now + grace) if grace else now)
        if pod.metadata.deletion_timestamp and pod.metadata.deletion_timestamp <= stamp:
            continue
        meta = replace(pod.metadata, deletion_timestamp=stamp, deletion_grace_period_seconds=grace)
        changed.append(store.put(replace(pod, metadata=meta)))
        for container in (*pod.spec.sidecars, *pod.spec.containers):
            message = f"Stopping container {container.name}"
            record(store, event_of(pod.key, "Normal", "Killing", message), now)
    return changed


def scheduling_events(cluster: Cluster, earlier: Assignments, later: Assignments) -> list[Event]:
    """Return what the scheduler has to say about Pods whose assignment changed."""
    found = []
    for key, bound in later.pods.items():
        if earlier.pods.get(key) == bound or key not in cluster.objects:
            continue
        if bound.node:
            message = f"Successfully assigned {key.namespace}/{key.name} to {bound.node}"
            found.append(event_of(key, "Normal", "Scheduled", message))
        elif bound.reason:
            found.append(event_of(key, "Warning", "FailedScheduling", bound.reason))
    return found


def _converge(store: Store, cluster: Cluster, now: float) -> Cluster:
    create, delete = converge(cluster, store.revision)
    created = [store.put(pod) for pod in create]
    doomed = [pod for key in delete if isinstance(pod := cluster.objects.get(key), Pod)]
    deleted = delete_pods(store, doomed, now)
    for pod in (*created, *deleted):
        _tell_owner(store, pod, now)
    return cluster.with_objects((*created, *deleted))


def _tell_owner(store: Store, pod: Pod, now: float) -> None:
    owner = next((item for item in pod.metadata.owner_references if item.controller), None)
    if owner is None:
        return
    about = Key("Deployment", pod.metadata.namespace, owner.name.rpartition("-")[0])
    reason, verb = ("SuccessfulDelete", "Deleted") if pod.metadata.deletion_timestamp else ("SuccessfulCreate", "Created")
    record(store, event_of(about, "Normal", reason, f"{verb} pod: {pod.metadata.name}"), now)


def _finish_namespaces(store: Store, cluster: Cluster) -> Cluster:
    """A Namespace that is being deleted goes when it is empty."""
    for item in list(cluster.objects.values()):
        if isinstance(item, Namespace) and item.metadata.deletion_timestamp:
            if any(key.namespace == item.metadata.name for key in cluster.objects):
                continue
            store.delete(item)
            cluster = cluster.without([item.key])
    return cluster

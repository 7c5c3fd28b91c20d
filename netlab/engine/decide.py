"""Decisions that are kept: workloads become Pods, Pods get Nodes and addresses, Services get IPs and ports.

The deciding itself is pure (desired/); here its results are stored, in one transaction, before anything is built on them.
"""

from __future__ import annotations

from netlab.desired.assign import assign
from netlab.desired.assignments import Assignments
from netlab.desired.evictions import evictions, may_evict
from netlab.engine.controllers import run_controllers
from netlab.engine.deleting import delete_pods
from netlab.engine.load_balancers import watch_load_balancers
from netlab.engine.nodes import watch_nodes
from netlab.model.event import Event, event_of
from netlab.model.lab import Cluster
from netlab.model.node import Namespace
from netlab.model.resources import Amounts
from netlab.remembered import remembered
from netlab.store.events import record
from netlab.store.store import Store

_assigned = remembered(assign)


def decide(store: Store, now: float, room: Amounts) -> tuple[Cluster, Assignments]:
    """Return all objects and all choices, the missing ones made and stored. To be called inside a transaction.

    `room` is what each Node has for its Pods to ask for.

    Raises:
        Conflict: a wish contradicts another one, or a range.
        PoolExhausted: no address or port is left.
    """
    cluster = _evict(store, watch_nodes(store, store.cluster(), now), now)
    cluster = run_controllers(store, cluster, now)
    cluster = _finish_namespaces(store, cluster)
    earlier = store.assignments()
    assignments = _assigned(cluster, earlier, room)
    if assignments == earlier:
        assignments = earlier  # the same object: what follows from it is known
    else:
        store.put_assignments(assignments)
        for event in scheduling_events(cluster, earlier, assignments):
            record(store, event, now)
    watch_load_balancers(store, cluster, assignments, now)
    return cluster, assignments


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


def _evict(store: Store, cluster: Cluster, now: float) -> Cluster:
    """Begin the deletion of Pods that a taint drives from their Nodes."""
    due = evictions(cluster, store.assignments(), now).due if may_evict(cluster) else ()
    for pod in due:
        about = f"{pod.metadata.namespace}/{pod.metadata.name}"
        record(store, event_of(pod.key, "Normal", "TaintManagerEviction", f"Marking for deletion Pod {about}"), now)
    return cluster.with_objects(delete_pods(store, due, now)) if due else cluster


def _finish_namespaces(store: Store, cluster: Cluster) -> Cluster:
    """A Namespace that is being deleted goes when it is empty."""
    for item in cluster.of_kind(Namespace):
        if item.metadata.deletion_timestamp:
            if any(key.namespace == item.metadata.name for key in cluster.objects):
                continue
            store.delete(item)
            cluster = cluster.without([item.key])
    return cluster

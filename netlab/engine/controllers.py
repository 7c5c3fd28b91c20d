"""The controllers at work: what they say is stored, and they are asked again until they say nothing."""

from __future__ import annotations

from netlab.desired.changes import Changes
from netlab.desired.workloads import CONTROLLERS
from netlab.engine.deleting import delete_pods
from netlab.errors import NetlabError
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.store.events import record
from netlab.store.store import Store

MAX_PASSES = 50


def run_controllers(store: Store, cluster: Cluster, now: float) -> Cluster:
    """Return the objects with all that follows from them, stored. To be called inside a transaction.

    Raises:
        NetlabError: the controllers do not agree on what is to be.
    """
    for _ in range(MAX_PASSES):
        before = cluster
        for controller in CONTROLLERS:
            changes = controller(cluster, store.revision, now)
            if changes:
                cluster = _store(store, cluster, changes, now)
        if cluster is before:
            return cluster
    raise NetlabError(f"the controllers did not come to rest in {MAX_PASSES} passes; see `netlab events -A`")


def _store(store: Store, cluster: Cluster, changes: Changes, now: float) -> Cluster:
    put = [store.put(item) for item in changes.put]
    for job in changes.reported:
        store.put_status(job, job.status)
    for event in changes.events:
        record(store, event, now)
    doomed = [cluster.objects[key] for key in changes.delete if key in cluster.objects]
    deleted = delete_pods(store, [item for item in doomed if isinstance(item, Pod)], now)
    gone = [item for item in doomed if not isinstance(item, Pod)]
    for item in gone:
        store.delete(item)
    return cluster.with_objects((*put, *changes.reported, *deleted)).without([item.key for item in gone])

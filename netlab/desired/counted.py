"""Deployments, ReplicaSets and DaemonSets with their counts, as they are shown; Jobs keep theirs in the store. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netlab.desired.daemonsets import daemon_set_status
from netlab.desired.deployment_status import deployment_status
from netlab.desired.deployments import rollout_of
from netlab.desired.owning import by_controller
from netlab.desired.replicasets import replica_set_status
from netlab.model.daemon_set import DaemonSet
from netlab.model.lab import Cluster
from netlab.model.workload import Deployment, ReplicaSet


def counted(cluster: Cluster, now: float) -> Iterator[Deployment | ReplicaSet | DaemonSet]:
    """Yield every workload with the status that follows from its Pods. `now` is in seconds since the epoch."""
    pods, sets = by_controller(cluster.pods), by_controller(cluster.replica_sets)
    for item in cluster.deployments:
        mine = sets.get(item.metadata.uid, [])
        rollout = rollout_of(item, mine, pods, now)
        new = pods.get(rollout.new.metadata.uid, []) if rollout.new else []
        every = [pod for one in mine for pod in pods.get(one.metadata.uid, [])]
        yield replace(item, status=deployment_status(rollout, every, new, now))
    for one in cluster.replica_sets:
        yield replace(one, status=replica_set_status(one, pods.get(one.metadata.uid, []), now))
    for daemon in cluster.daemon_sets:
        yield replace(daemon, status=daemon_set_status(cluster, daemon, pods.get(daemon.metadata.uid, []), now))

"""The controllers at work without a store: asked until they say nothing, with uids and times that follow from names."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from netlab.desired.workloads import CONTROLLERS
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.model.times import rfc3339

MAX_PASSES = 50


class Done(NamedTuple):
    """What there is when nobody wants anything any more, and what was said on the way."""

    cluster: Cluster
    events: tuple[str, ...] = ()

    def made(self, before: Cluster) -> list[Pod]:
        """The Pods that were not there before."""
        return [pod for pod in self.cluster.pods if pod.key not in before.objects]

    def doomed(self, before: Cluster) -> set[str]:
        """The names of the Pods whose deletion began."""
        alive = {pod.key for pod in self.cluster.pods if not pod.metadata.deletion_timestamp}
        return {pod.metadata.name for pod in before.pods if not pod.metadata.deletion_timestamp and pod.key not in alive}


def converged(cluster: Cluster, now: float = 1000.0, revision: int = 0) -> Done:
    """Return the cluster after the controllers have come to rest; Pods that are to go are marked, not gone."""
    events: tuple[str, ...] = ()
    for _ in range(MAX_PASSES):
        is_quiet = True
        for controller in CONTROLLERS:
            changes = controller(cluster, revision, now)
            if changes:
                is_quiet = False
                events += tuple(event.message for event in changes.events)
                cluster = _stored(cluster, changes, now)
        if is_quiet:
            return Done(cluster, events)
    raise AssertionError(f"not at rest after {MAX_PASSES} passes: {changes}")


def _stored(cluster, changes, now):
    put = [with_uid(item, now) for item in changes.put]
    doomed = [cluster.objects[key] for key in changes.delete]
    going = [
        replace(item, metadata=replace(item.metadata, deletion_timestamp=rfc3339(now)))
        for item in doomed
        if isinstance(item, Pod)
    ]
    gone = [item.key for item in doomed if not isinstance(item, Pod)]
    return cluster.with_objects((*put, *changes.reported, *going)).without(gone)


def with_uid(item, now=1000.0):
    """The object as a store returns it."""
    meta = item.metadata
    if meta.uid:
        return item
    return replace(item, metadata=replace(meta, uid=f"u-{item.kind}-{meta.name}", creation_timestamp=rfc3339(now)))


def running(pod: Pod, now: float = 1000.0, **facts) -> Pod:
    """The Pod with its containers at work."""
    statuses = tuple(
        ContainerStatus(name=one.name, state="running", ready=True, started_at=rfc3339(now)) for one in pod.spec.containers
    )
    status = {"phase": "Running", "pod_ips": ("10.244.1.2",), "start_time": rfc3339(now), "container_statuses": statuses}
    return replace(pod, status=PodStatus(**(status | facts)))

"""Which Pods a NoExecute taint drives from their Nodes, and when. Pure; time is an argument.

A Pod that does not tolerate a taint goes at once; one that tolerates it for some seconds goes when these are over, counted
from when the taint came, or from when the Pod was first seen there if that is later; others stay. A Pod is deleted and never
moved: what made it makes another one.
Source: Kubernetes docs, Taints and Tolerations (taint based evictions); taint_eviction.go (getMinTolerationTime).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from netlab.desired.assignments import Assignments
from netlab.desired.power import taints_of
from netlab.desired.tolerations import tolerations_of
from netlab.model.lab import Cluster
from netlab.model.pod import Pod
from netlab.model.taint import Taint, Toleration, tolerating
from netlab.model.times import epoch


class Evictions(NamedTuple):
    """The Pods whose time is over, and the next moment (seconds since the epoch) at which another one's is; None: never."""

    due: tuple[Pod, ...] = ()
    next_at: float | None = None


def evictions(cluster: Cluster, assignments: Assignments, now: float) -> Evictions:
    """Return who has to go now, and when somebody will have to."""
    driving = _driving(cluster)
    due, later = [], []
    for pod in cluster.pods if driving else ():
        bound = assignments.pods.get(pod.key)
        if bound is None or bound.node not in driving or pod.metadata.deletion_timestamp:
            continue
        moment = evicted_at(pod, driving[bound.node])
        if moment <= now:
            due.append(pod)
        elif moment < math.inf:
            later.append(moment)
    return Evictions(tuple(due), min(later, default=None))


def may_evict(cluster: Cluster) -> bool:
    """Tell whether any Node has a taint that drives Pods away."""
    return bool(_driving(cluster))


def _driving(cluster: Cluster) -> dict[str, list[Taint]]:
    """The NoExecute taints of each Node that has any."""
    found = {node.metadata.name: taints_of(node, cluster.lab) for node in cluster.nodes}
    driving = {name: [one for one in taints if one.effect == "NoExecute"] for name, taints in found.items()}
    return {name: taints for name, taints in driving.items() if taints}


def evicted_at(pod: Pod, taints: Iterable[Taint]) -> float:
    """Return when these NoExecute taints drive the Pod away: seconds since the epoch, 0 for at once, infinity for never."""
    tolerations = tolerations_of(pod)
    return min((_until(pod, taint, tolerating(tolerations, taint)) for taint in taints), default=math.inf)


def _until(pod: Pod, taint: Taint, borne: Toleration | None) -> float:
    if borne is None:
        return 0.0
    if borne.toleration_seconds is None:
        return math.inf
    return max(epoch(taint.time_added), epoch(pod.status.start_time)) + max(0, borne.toleration_seconds)

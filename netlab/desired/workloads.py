"""The controllers, in the order in which one's results are the next one's wishes. Level-triggered, pure.

    kubernetes_service . the Service default/kubernetes
    garbage ............ objects whose owners are gone
    deployments ........ a Deployment's ReplicaSets, and how large each is
    replica_sets ....... a ReplicaSet's Pods
    daemon_sets, jobs .. theirs

Each looks at all objects and says what is to be stored; asked again with that stored, it says nothing. A Pod is never moved:
one goes and another one is made.
Source: Kubernetes docs, Controllers.
"""

from __future__ import annotations

from collections.abc import Callable

from netlab.desired.changes import Changes
from netlab.desired.daemonsets import daemon_sets
from netlab.desired.deployments import deployments
from netlab.desired.jobs import jobs
from netlab.desired.kubernetes_service import kubernetes_service
from netlab.desired.owning import garbage
from netlab.desired.replicasets import replica_sets
from netlab.model.lab import Cluster

Controller = Callable[[Cluster, int, float], Changes]
"""Objects, the store's revision (it grows when anything is stored), seconds since the epoch."""


def orphans(cluster: Cluster, _: int, __: float) -> Changes:
    """Return the deletion of what nobody owns any more."""
    return Changes(delete=garbage(cluster))


CONTROLLERS: tuple[Controller, ...] = (kubernetes_service, orphans, deployments, replica_sets, daemon_sets, jobs)


def next_moment(cluster: Cluster, now: float) -> float | None:
    """Return when the controllers are to be asked again though nothing else happens (seconds since the epoch), or None."""
    later = (moment for controller in CONTROLLERS for moment in controller(cluster, 0, now).moments)
    return min(later, default=None)

"""The deletion of Pods begins: when they have to be gone is stored, and what makes their processes end follows from that."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from netlab.desired.power import stopped_nodes
from netlab.desired.unreachable import is_on_stopped_node
from netlab.model.event import event_of
from netlab.model.meta import Key
from netlab.model.pod import Pod
from netlab.model.times import rfc3339
from netlab.store.events import record
from netlab.store.store import Store


def delete_pods(store: Store, pods: Iterable[Pod], now: float, grace_s: int | None = None) -> list[Pod]:
    """Begin the deletion of Pods and return them as stored; one whose deletion has begun can only be hurried.

    `grace_s` is the time from TERM to KILL in seconds, by default the Pod's own. As in Kubernetes, the deletionTimestamp is
    the moment at which the grace period is over.
    """
    changed, unheard = [], _on_stopped_nodes(store)
    for pod in pods:
        grace = pod.spec.termination_grace_period_seconds if grace_s is None else grace_s
        stamp = rfc3339(math.ceil(now + grace) if grace else now)
        is_forced = not grace and pod.metadata.deletion_grace_period_seconds
        if pod.metadata.deletion_timestamp and pod.metadata.deletion_timestamp <= stamp and not is_forced:
            continue
        meta = replace(pod.metadata, deletion_timestamp=stamp, deletion_grace_period_seconds=grace)
        changed.append(store.put(replace(pod, metadata=meta)))
        if pod.key in unheard:
            continue
        for container in (*pod.spec.sidecars, *pod.spec.containers):
            message = f"Stopping container {container.name}"
            record(store, event_of(pod.key, "Normal", "Killing", message), now)
    return changed


def _on_stopped_nodes(store: Store) -> frozenset[Key]:
    """The Pods on machines that are off: nobody there hears that they are being deleted."""
    lab = store.lab()
    if lab is None or not stopped_nodes(lab):
        return frozenset()
    return frozenset(key for key, bound in store.assignments().pods.items() if is_on_stopped_node(lab, bound))

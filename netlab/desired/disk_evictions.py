"""Pods that have written more to the disk than they may: nothing stops a writer, so the Pod is evicted afterwards. Pure.

    emptyDir.sizeLimit ..................... one volume
    limits.ephemeral-storage ............... what a container writes to its own layer and to its log
    the sum of these limits, of the Pod .... all of that together

Source: Kubernetes docs, Local ephemeral storage; kubelet eviction_manager.go (localStorageEviction) and its words.
"""

from __future__ import annotations

from collections.abc import Iterable

from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod
from netlab.model.quantity import ZERO, Quantity, parse_quantity
from netlab.model.resources import amounts, pod_limits
from netlab.netstate.volume import DiskUsage

EVICTED = "Evicted"
STORAGE = "ephemeral-storage"


def limited_pods(pods: Iterable[Pod]) -> tuple[Pod, ...]:
    """Return the Pods that may not write to the disk as much as they like, as long as they are to run."""
    return tuple(
        pod
        for pod in pods
        if pod.status.phase not in FINAL_PHASES
        and not pod.metadata.deletion_timestamp
        and (_volume_limits(pod) or any(STORAGE in container.resources.limits for container in pod.spec.all_containers))
    )


def overfull(pod: Pod, usage: DiskUsage) -> str:
    """Return why a Pod is to be evicted, in the kubelet's words; empty if it is not."""
    for name, limit in _volume_limits(pod).items():
        if usage.volumes.get(name, 0) > limit.units:
            return f'Usage of EmptyDir volume "{name}" exceeds the limit "{limit}". '
    whole = pod_limits(pod.spec).get(STORAGE)
    if whole and sum(usage.volumes.values()) + sum(usage.containers.values()) > whole.units:
        return f"Pod ephemeral local storage usage exceeds the total limit of containers {whole}. "
    for container in pod.spec.all_containers:
        own = amounts(container.resources.limits).get(STORAGE)
        if own and usage.containers.get(container.name, 0) > own.units:
            return f'Container {container.name} exceeded its local ephemeral storage limit "{own}". '
    return ""


def _volume_limits(pod: Pod) -> dict[str, Quantity]:
    """The sizes of volumes on the disk that have one; 0 stands for none."""
    wishes = {volume.name: volume.empty_dir for volume in pod.spec.volumes}
    limits = {name: parse_quantity(wish.size_limit) for name, wish in wishes.items() if wish and wish.medium != "Memory"}
    return {name: limit for name, limit in limits.items() if limit and limit != ZERO}

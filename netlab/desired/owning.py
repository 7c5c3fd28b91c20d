"""Who made whom: a Deployment its ReplicaSets, a ReplicaSet, DaemonSet or Job its Pods; and what nobody owns any more. Pure.

An object belongs to the one that its owner reference with `controller: true` names by uid, not by name: a Deployment made again
under the same name owns nothing of the one before.
Source: Kubernetes docs, Owners and Dependents, Garbage Collection.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from netlab.model.lab import Cluster, KubernetesObject
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import Key, OwnerReference
from netlab.model.owners import Workload
from netlab.model.pod import Pod
from netlab.model.workload import Deployment, ReplicaSet
from netlab.remembered import remembered_each

Owned = TypeVar("Owned", Pod, ReplicaSet)


def controller_of(item: KubernetesObject) -> OwnerReference | None:
    """Return who made and keeps this object, or None."""
    return next((owner for owner in item.metadata.owner_references if owner.controller), None)


def by_controller(items: Iterable[Owned]) -> dict[str, list[Owned]]:
    """Return the objects by the uid of their controller; those without one under the empty text."""
    found: dict[str, list[Owned]] = {}
    for item in items:
        owner = controller_of(item)
        found.setdefault(owner.uid if owner else "", []).append(item)
    return found


def owned_by(cluster: Cluster, item: KubernetesObject) -> list[Pod]:
    """Return the Pods of a workload, those of a Deployment through its ReplicaSets, sorted by name."""
    makers = {item.metadata.uid}
    if isinstance(item, Deployment):
        makers = {one.metadata.uid for one in by_controller(cluster.replica_sets).get(item.metadata.uid, ())}
    return [pod for pod in cluster.pods if (owner := controller_of(pod)) and owner.uid in makers]


def garbage(cluster: Cluster) -> tuple[Key, ...]:
    """Return the objects all of whose owners are gone."""
    owned = sorted((item for items in _owned(zip(cluster.kinds)) for item in items), key=lambda item: item.key)
    return tuple(
        item.key
        for item in owned
        if not any(_lives(cluster, item.metadata.namespace, owner) for owner in item.metadata.owner_references)
        and not item.metadata.deletion_timestamp
    )


@remembered_each
def _owned(items: tuple[KubernetesObject, ...]) -> tuple[KubernetesObject, ...]:
    """Those of these objects that have owners."""
    return tuple(item for item in items if item.metadata.owner_references)


def _lives(cluster: Cluster, namespace: str, owner: OwnerReference) -> bool:
    """Tell whether an owner of an object in this namespace is there; it is in the same one, or in none."""
    found = (cluster.objects.get(Key(owner.kind, place, owner.name)) for place in (namespace, ""))
    return any(item is not None and item.metadata.uid == owner.uid for item in found)


def is_active(pod: Pod) -> bool:
    """Tell whether a Pod counts for its owner: it has not ended, and is not being deleted."""
    return not pod.metadata.deletion_timestamp and pod.status.phase not in FINAL_PHASES


def adopted(item: Owned, owner: Workload) -> Owned:
    """Return the object as one of `owner`'s."""
    reference = OwnerReference(kind=owner.kind, name=owner.metadata.name, uid=owner.metadata.uid, api_version=owner.api_version)
    return replace(item, metadata=replace(item.metadata, owner_references=(*_others(item), reference)))


def released(item: Owned) -> Owned:
    """Return the object as nobody's, so that it lives on when its labels no longer match."""
    return replace(item, metadata=replace(item.metadata, owner_references=_others(item)))


def _others(item: KubernetesObject) -> tuple[OwnerReference, ...]:
    return tuple(one for one in item.metadata.owner_references if not one.controller)


def claim(owner: Workload, mine: Iterable[Owned], nobodys: Iterable[Owned]) -> tuple[list[Owned], list[Owned]]:
    """Return what belongs to the owner from now on, and which of all that have to be stored because that is new.

    An object whose labels do not match any more is let go; one that matches and is nobody's is taken. What is being deleted
    stays whose it was. Source: controller_ref_manager.go.
    """
    selector = owner.spec.selector
    if selector is None:
        return list(mine), []
    kept: list[Owned] = []
    changed: list[Owned] = []
    for item in mine:
        if item.metadata.deletion_timestamp or selector.matches(item.metadata.labels):
            kept.append(item)
        else:
            changed.append(released(item))
    for item in nobodys:
        near = item.metadata.namespace == owner.metadata.namespace and not item.metadata.deletion_timestamp
        is_over = isinstance(item, Pod) and not is_active(item)
        if near and not is_over and selector.matches(item.metadata.labels):
            taken = adopted(item, owner)
            kept.append(taken)
            changed.append(taken)
    return kept, changed

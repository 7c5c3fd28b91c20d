"""Deployments become Pods: which Pods are to be made, and which are to go. Level-triggered, pure, the same in every run.

A Pod belongs to a Deployment by its owner reference (kind ReplicaSet, name `<deployment>-<template hash>`, the Deployment's
uid). It counts as a replica while it is not being deleted, has not ended, has the present template's hash and still carries
the selector's labels. A Pod whose labels were edited away is let go: it lives on and is replaced (as in a ReplicaSet), but
is deleted with its Deployment.

A changed template replaces all Pods at once. Rolling updates, ReplicaSets as objects and adoption do not exist here.
Source: Kubernetes docs, Deployment and ReplicaSet; controller_utils.go (ActivePodsWithRanks) for the order of scaling down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from itertools import count
from typing import Any

from netlab.model.lab import Cluster
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import Key, ObjectMeta, OwnerReference, selects
from netlab.model.pod import Pod
from netlab.model.workload import Deployment, PodTemplateSpec
from netlab.netstate.names import digest

HASH_LABEL = "pod-template-hash"
# Kubernetes' alphabet for generated names: no vowels and no 0, 1, 3, so that no word and no misreading comes out.
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
SUFFIX_LENGTH = 5
BASE_MAX = 58  # 63 less the suffix: the name stays usable as a host name
HASH_DIGITS = 8  # hexadecimal: 32 bits, as Kubernetes' FNV-1a


def converge(cluster: Cluster, revision: int = 0) -> tuple[tuple[Pod, ...], tuple[Key, ...]]:
    """Return the Pods to create and the keys of the Pods to delete, so that every Deployment has its replicas.

    Names of new Pods follow from the cluster and `revision` alone: the same input gives the same names, so a run repeated
    after a crash makes no further Pods. No name that any Pod of the namespace has, a terminating one included, is given.

    Args:
        cluster: all objects. Bare Pods (without an owner) are left alone.
        revision: a number that grows when anything is stored; it keeps the name of a Pod that is gone without a trace from
            being given again. Optional.
    """
    create: list[Pod] = []
    delete: set[Key] = {pod.key for pod in cluster.pods if _is_orphan(cluster, pod)}
    for deployment in cluster.deployments:
        if not deployment.metadata.deletion_timestamp:
            missing, surplus = _converge_one(cluster, deployment, revision)
            create += missing
            delete |= surplus
    terminating = {pod.key for pod in cluster.pods if pod.metadata.deletion_timestamp}
    return tuple(create), tuple(sorted(delete - terminating))


def owns(deployment: Deployment, pod: Pod) -> bool:
    """Tell whether the Pod was made by this very Deployment (not by an earlier one of the same name)."""
    owner = _replica_set(pod)
    return (
        owner is not None
        and pod.metadata.namespace == deployment.metadata.namespace
        and owner.uid == deployment.metadata.uid
        and owner.name.rpartition("-")[0] == deployment.metadata.name
    )


def replicas_by_owner(cluster: Cluster) -> dict[str, list[Pod]]:
    """Return, by the uid of each Deployment, its Pods that count: not being deleted, and still with its labels."""
    found: dict[str, list[Pod]] = {}
    by_uid = {item.metadata.uid: item for item in cluster.deployments}
    for pod in cluster.pods:
        owner = _replica_set(pod)
        deployment = by_uid.get(owner.uid) if owner else None
        if deployment is None or pod.metadata.deletion_timestamp or not owns(deployment, pod):
            continue
        if selects(deployment.spec.selector.match_labels, pod.metadata.labels):
            found.setdefault(deployment.metadata.uid, []).append(pod)
    return found


def template_hash(template: PodTemplateSpec) -> str:
    """Return at most ten characters that stand for the template's content.

    Fields with their default value are left out, so that a field netlab learns later does not replace every Pod.
    """
    number = int(digest(repr(_plain(template)))[:HASH_DIGITS], 16)
    return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in str(number))


def _converge_one(cluster: Cluster, deployment: Deployment, revision: int) -> tuple[list[Pod], set[Key]]:
    hash_text = template_hash(deployment.spec.template)
    # A Pod that was let go (its labels no longer match) neither counts nor goes.
    wanted = deployment.spec.selector.match_labels
    owned = [pod for pod in cluster.pods if owns(deployment, pod) and selects(wanted, pod.metadata.labels)]
    active = [pod for pod in owned if _is_active(pod)]
    current = [pod for pod in active if pod.metadata.labels.get(HASH_LABEL) == hash_text]
    gone = {pod.key for pod in owned if pod not in current}
    surplus = _scale_down_order(current)[: max(0, len(current) - deployment.spec.replicas)]
    names = _free_names(cluster, deployment, hash_text, revision)
    missing = [_new_pod(deployment, hash_text, next(names)) for _ in range(deployment.spec.replicas - len(current))]
    return missing, gone | {pod.key for pod in surplus}


def _is_active(pod: Pod) -> bool:
    return not pod.metadata.deletion_timestamp and pod.status.phase not in FINAL_PHASES


def _replica_set(pod: Pod) -> OwnerReference | None:
    return next((owner for owner in pod.metadata.owner_references if owner.kind == "ReplicaSet" and owner.controller), None)


def _is_orphan(cluster: Cluster, pod: Pod) -> bool:
    """True if a Deployment made the Pod and is gone, or going."""
    alive = (item for item in cluster.deployments if not item.metadata.deletion_timestamp)
    return _replica_set(pod) is not None and not any(owns(deployment, pod) for deployment in alive)


def _scale_down_order(pods: Iterable[Pod]) -> list[Pod]:
    """The Pods, the first to go first: unbound, then Pending, then not ready, then often restarted, then the newest."""

    def restarts(pod: Pod) -> int:
        return max((status.restart_count for status in pod.lasting_statuses), default=0)

    # Sorts are stable: the least important criterion is sorted first.
    newest = sorted(pods, key=lambda pod: (pod.metadata.creation_timestamp, pod.metadata.name), reverse=True)
    return sorted(
        newest, key=lambda pod: (bool(pod.status.pod_ips), pod.status.phase != "Pending", pod.is_ready, -restarts(pod))
    )


def _free_names(cluster: Cluster, deployment: Deployment, hash_text: str, revision: int) -> Iterator[str]:
    """Yield names no Pod of the namespace has. Seeded with the uids of the Pods that exist: a replacement is a new name."""
    meta = deployment.metadata
    base = f"{meta.name}-{hash_text}-"[:BASE_MAX]
    uids = sorted(pod.metadata.uid for pod in cluster.pods if owns(deployment, pod))
    taken = {pod.metadata.name for pod in cluster.pods if pod.metadata.namespace == meta.namespace}
    for number in count():
        name = base + _letters(digest(meta.uid, hash_text, str(revision), str(number), *uids))
        if name not in taken:
            taken.add(name)
            yield name


def _letters(hexadecimal: str) -> str:
    octets = bytes.fromhex(hexadecimal)[:SUFFIX_LENGTH]
    return "".join(ALPHABET[octet % len(ALPHABET)] for octet in octets)


def _new_pod(deployment: Deployment, hash_text: str, name: str) -> Pod:
    template, meta = deployment.spec.template, deployment.metadata
    owner = OwnerReference(kind="ReplicaSet", name=f"{meta.name}-{hash_text}", uid=meta.uid)
    return Pod(
        metadata=ObjectMeta(
            name=name,
            namespace=meta.namespace,
            labels={**template.metadata.labels, HASH_LABEL: hash_text},
            annotations=dict(template.metadata.annotations),
            owner_references=(owner,),
        ),
        spec=template.spec,
    )


def _plain(value: Any) -> Any:
    """A value as sorted pairs and lists, without what is as by default: text that means the same in every version."""
    if is_dataclass(value):
        set_fields = ((item.name, getattr(value, item.name)) for item in fields(value) if not _is_default(value, item))
        return sorted((name, _plain(content)) for name, content in set_fields)
    if isinstance(value, dict):
        return sorted((key, _plain(content)) for key, content in value.items())
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _is_default(value: Any, item: Any) -> bool:
    default = item.default_factory() if item.default_factory is not MISSING else item.default
    return bool(getattr(value, item.name) == default)

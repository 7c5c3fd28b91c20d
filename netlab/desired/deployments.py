"""Deployments become ReplicaSets: one for each template, of sizes that `rollouts` works out. Level-triggered, pure.

The set of the present template is found by comparing templates, so going back to an earlier one takes up its old set again,
with a new revision. Sets of earlier templates are kept, empty, as the history for `rollout undo`.
Source: Kubernetes docs, Deployment; pkg/controller/deployment: sync.go, util/deployment_util.go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count

from netlab.desired.availability import is_available
from netlab.desired.changes import Changes
from netlab.desired.deployment_status import moments
from netlab.desired.owning import adopted, by_controller, claim, is_active
from netlab.desired.rollouts import Rollout, Sizes, allowance, first_size, next_sizes, scaled
from netlab.desired.templates import HASH_LABEL, template_hash
from netlab.model.event import Event, event_of
from netlab.model.lab import Cluster
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.meta import LabelSelector, ObjectMeta
from netlab.model.pod import Pod
from netlab.model.workload import Deployment, PodTemplateSpec, ReplicaSet, ReplicaSetSpec

REVISION = "deployment.kubernetes.io/revision"
DESIRED, MOST = "deployment.kubernetes.io/desired-replicas", "deployment.kubernetes.io/max-replicas"
CAUSE = "kubernetes.io/change-cause"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
OWN = frozenset({REVISION, DESIRED, MOST, LAST_APPLIED})


def deployments(cluster: Cluster, _: int, now: float) -> Changes:
    """Return what is to be done so that every Deployment has its ReplicaSets."""
    changes = Changes()
    wished = [item for item in cluster.deployments if not item.metadata.deletion_timestamp]
    if not wished:
        return changes
    sets, pods = by_controller(cluster.replica_sets), by_controller(cluster.pods)
    for item in wished:
        mine, changed = claim(item, sets.get(item.metadata.uid, ()), sets.get("", ()))
        changes += Changes(put=tuple(changed))
        if not changed:  # what was taken in or let go is stored first
            rollout = rollout_of(item, mine, pods, now)
            own = [pod for one in mine for pod in pods.get(one.metadata.uid, ()) if is_active(pod)]
            changes += _converge(rollout, _names(cluster, item)) + Changes(moments=moments(rollout, own, now))
    return changes


def rollout_of(item: Deployment, sets: Sequence[ReplicaSet], pods: Mapping[str, Sequence[Pod]], now: float) -> Rollout:
    """Return where a Deployment stands. `sets` are its own, `pods` those of each ReplicaSet by uid."""
    ordered = sorted(sets, key=lambda one: (one.metadata.creation_timestamp, revision_of(one), one.metadata.name))
    new = next((one for one in ordered if plain_template(one.spec.template) == item.spec.template), None)
    old = [one for one in ordered if one is not new]
    wait = item.spec.min_ready_seconds
    return Rollout(
        deployment=item,
        new=new,
        old=old,
        available={
            one.metadata.name: sum(is_active(pod) and is_available(pod, wait, now) for pod in pods.get(one.metadata.uid, ()))
            for one in ordered
        },
        has_old_pods=any(pod.status.phase not in FINAL_PHASES for one in old for pod in pods.get(one.metadata.uid, ())),
    )


def plain_template(template: PodTemplateSpec) -> PodTemplateSpec:
    """Return a ReplicaSet's template as the Deployment has it: without the hash."""
    labels = {key: value for key, value in template.metadata.labels.items() if key != HASH_LABEL}
    return replace(template, metadata=replace(template.metadata, labels=labels))


def revision_of(item: ReplicaSet | Deployment) -> int:
    """Return the number of a ReplicaSet in the history, 0 if it has none."""
    return number_in(item, REVISION)


def number_in(item: ReplicaSet | Deployment, annotation: str) -> int:
    """Return the number that an annotation holds, 0 without one; anybody may have written something else into it."""
    text = item.metadata.annotations.get(annotation, "")
    return int(text) if text.isdecimal() and text.isascii() else 0


def _names(cluster: Cluster, item: Deployment) -> set[str]:
    """The names of all ReplicaSets of the Deployment's Namespace."""
    space = item.metadata.namespace
    return {one.metadata.name for one in cluster.replica_sets if one.metadata.namespace == space}


def _converge(rollout: Rollout, taken: Collection[str]) -> Changes:
    spec = rollout.deployment.spec
    known = {item.metadata.name: number_in(item, MOST) for item in rollout.sets}
    desired = {item.metadata.annotations.get(DESIRED) for item in rollout.sets if item.spec.replicas > 0}
    is_scaled = bool(desired - {str(spec.replicas)})
    if spec.paused or (is_scaled and rollout.new):
        return _resize(rollout, scaled(rollout, known)) + _numbered(rollout)
    if rollout.new is None:
        if spec.strategy.type == "Recreate" and (rollout.has_old_pods or any(item.spec.replicas for item in rollout.old)):
            return _resize(rollout, {item.metadata.name: 0 for item in rollout.old})
        return _create(rollout, taken)
    changes = _resize(rollout, next_sizes(rollout)) + _numbered(rollout)
    return changes or _forget_old(rollout)


def _create(rollout: Rollout, taken: Collection[str]) -> Changes:
    item = rollout.deployment
    hashes = (template_hash(item.spec.template, collisions) for collisions in count())
    hash_text = next(text for text in hashes if f"{item.metadata.name}-{text}" not in taken)
    labels = {**item.spec.template.metadata.labels, HASH_LABEL: hash_text}
    template = replace(item.spec.template, metadata=replace(item.spec.template.metadata, labels=labels))
    selector = LabelSelector(
        match_labels={**item.spec.selector.match_labels, HASH_LABEL: hash_text},
        match_expressions=item.spec.selector.match_expressions,
    )
    size = first_size(rollout)
    meta = ObjectMeta(
        name=f"{item.metadata.name}-{hash_text}",
        namespace=item.metadata.namespace,
        labels=labels,
        annotations={**_passed_on(item), **_counts(item), REVISION: str(_next_revision(rollout))},
    )
    made = ReplicaSet(
        metadata=meta,
        spec=ReplicaSetSpec(selector=selector, template=template, replicas=size, min_ready_seconds=item.spec.min_ready_seconds),
    )
    events = (_scaling(item, meta.name, 0, size),) if size else ()
    return Changes(put=(adopted(made, item),), events=events)


def _resize(rollout: Rollout, sizes: Sizes) -> Changes:
    """Store the sets that change: their size, and the counts by which a later change of `replicas` is noticed."""
    item = rollout.deployment
    put: list[ReplicaSet] = []
    events: list[Event] = []
    for one in rollout.sets:
        size = sizes.get(one.metadata.name, one.spec.replicas)
        counts = _counts(item) if size else {}
        meta = replace(one.metadata, annotations={**one.metadata.annotations, **counts})
        resized = replace(one, metadata=meta, spec=replace(one.spec, replicas=size))
        if resized != one:
            put.append(resized)
        if size != one.spec.replicas:
            events.append(_scaling(item, one.metadata.name, one.spec.replicas, size))
    return Changes(put=tuple(put), events=tuple(events))


def _numbered(rollout: Rollout) -> Changes:
    """Give the present set the highest revision, and the Deployment that of its set."""
    new, item = rollout.new, rollout.deployment
    if new is None:
        return Changes()
    revision = revision_of(new)
    if any(revision_of(one) >= revision for one in rollout.old):
        revision = _next_revision(rollout)
        told = {**new.metadata.annotations, **_passed_on(item), REVISION: str(revision)}
        return Changes(put=(replace(new, metadata=replace(new.metadata, annotations=told)),))
    if revision_of(item) != revision:
        told = {**item.metadata.annotations, REVISION: str(revision)}
        return Changes(put=(replace(item, metadata=replace(item.metadata, annotations=told)),))
    return Changes()


def _forget_old(rollout: Rollout) -> Changes:
    """Forget the oldest sets beyond the history's limit, once nothing of them is left."""
    empty = [item for item in rollout.old if not item.spec.replicas and not item.metadata.deletion_timestamp]
    surplus = len(empty) - rollout.deployment.spec.revision_history_limit
    if surplus <= 0 or rollout.has_old_pods:
        return Changes()
    return Changes(delete=tuple(item.key for item in sorted(empty, key=revision_of)[:surplus]))


def _next_revision(rollout: Rollout) -> int:
    return max((revision_of(item) for item in rollout.sets), default=0) + 1


def _passed_on(item: Deployment) -> dict[str, str]:
    """What of the Deployment's annotations its sets get: the cause of a change is remembered there."""
    return {key: value for key, value in item.metadata.annotations.items() if key not in OWN}


def _counts(item: Deployment) -> dict[str, str]:
    replicas = item.spec.replicas
    return {DESIRED: str(replicas), MOST: str(replicas + allowance(item.spec)[0])}


def _scaling(item: Deployment, name: str, before: int, after: int) -> Event:
    way = "up" if after > before else "down"
    return event_of(item.key, "Normal", "ScalingReplicaSet", f"Scaled {way} replica set {name} from {before} to {after}")


def of_deployment(cluster: Cluster, item: Deployment) -> list[ReplicaSet]:
    """Return the ReplicaSets of a Deployment."""
    return by_controller(cluster.replica_sets).get(item.metadata.uid, [])


def history(sets: Sequence[ReplicaSet]) -> Iterator[tuple[int, ReplicaSet]]:
    """Yield (revision, ReplicaSet) of all that have one, the oldest first."""
    yield from sorted(((revision_of(item), item) for item in sets if revision_of(item)), key=lambda pair: pair[0])

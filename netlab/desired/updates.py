"""What becomes of an object when another wish for it comes: what the system added stays, and some fields cannot change. Pure.

Source: Kubernetes API validation (ValidatePodUpdate, ValidateDeploymentUpdate, ValidateJobUpdate).
"""

from __future__ import annotations

from dataclasses import fields, replace

from netlab.desired.assignments import Assignments
from netlab.desired.jobs import OWN_LABELS
from netlab.desired.power import own_taints
from netlab.desired.published import published_service
from netlab.desired.tolerations import tolerations_of
from netlab.errors import Conflict
from netlab.manifest.config_rules import immutable_fault
from netlab.model.config import ConfigMap, Secret
from netlab.model.job import Job, JobSpec
from netlab.model.lab import KubernetesObject, Lab
from netlab.model.node import Node
from netlab.model.owners import WORKLOADS
from netlab.model.pod import Pod, PodSpec
from netlab.model.service import Service, ServiceSpec


def merged(old: KubernetesObject, item: KubernetesObject, lab: Lab, assignments: Assignments) -> KubernetesObject:
    """Return the new wish with what the system added to the old one: identity, owners, the status, a Node's own labels.

    A wish with the old one's uid is the old one, edited: it has the Node's own labels, or they were taken away.
    Where nothing is new, `old` itself is returned.
    """
    if _says_the_same(old, item):
        return old
    later = _merged(old, item, lab, assignments)
    return old if later == old else later


def _merged(old: KubernetesObject, item: KubernetesObject, lab: Lab, assignments: Assignments) -> KubernetesObject:
    wish, known = item.metadata, old.metadata
    labels = {**known.labels, **wish.labels} if isinstance(item, Node) and not wish.uid else wish.labels
    meta = replace(known, labels=labels, annotations=wish.annotations)
    if isinstance(item, Pod) and isinstance(old, Pod):
        bound = assignments.pods.get(old.key)
        return replace(item, metadata=meta, status=old.status, spec=_bound_as(old, item, bound.node if bound else ""))
    if isinstance(item, Node) and isinstance(old, Node):
        taints = own_taints(item.spec.taints, old.spec.taints)
        return replace(old, metadata=meta, spec=replace(old.spec, taints=taints, unschedulable=item.spec.unschedulable))
    if isinstance(item, Service) and isinstance(old, Service):
        return replace(item, metadata=meta, spec=_filled_as(old, item, lab, assignments))
    if isinstance(item, Job) and isinstance(old, Job):
        return replace(item, metadata=meta, spec=_completed_as(old, item), status=old.status)
    return replace(item, metadata=meta)


def _says_the_same(old: KubernetesObject, item: KubernetesObject) -> bool:
    """Tell whether nothing in a wish is new: most of ten thousand objects that are applied again."""
    if (old.metadata.labels, old.metadata.annotations) != (item.metadata.labels, item.metadata.annotations):
        return False
    names = (field.name for field in fields(old) if field.name not in {"metadata", "status"})
    return all(getattr(old, name) == getattr(item, name) for name in names)


def _bound_as(old: Pod, item: Pod, node: str) -> PodSpec:
    """The spec of `item`; what only says where the Pod already is, or what it tolerates (from `get -o yaml`), is no change."""
    spec = replace(item.spec, node_name=old.spec.node_name) if item.spec.node_name == node else item.spec
    return replace(spec, tolerations=old.spec.tolerations) if spec.tolerations == tolerations_of(old) else spec


def _completed_as(old: Job, item: Job) -> JobSpec:
    """The spec of `item` with the selector and the labels that the old one got."""
    if item.spec.selector is not None:
        return item.spec
    known = old.spec.template.metadata
    own = {key: value for key, value in known.labels.items() if key in OWN_LABELS}
    told = item.spec.template.metadata
    template = replace(item.spec.template, metadata=replace(told, labels={**told.labels, **own}))
    return replace(item.spec, selector=old.spec.selector, template=template)


def _filled_as(old: Service, item: Service, lab: Lab, assignments: Assignments) -> ServiceSpec:
    """The spec of `item`; a field that only says what was filled in (from `get -o yaml`) is no change."""
    shown = published_service(old, lab, assignments).spec
    names = [field.name for field in fields(ServiceSpec)]
    known = {name: getattr(old.spec, name) for name in names if getattr(item.spec, name) == getattr(shown, name)}
    return replace(item.spec, **known)


def check_update(old: KubernetesObject, new: KubernetesObject) -> None:
    """Raise Conflict if `old` cannot become `new` while it exists: most of a Pod's spec, a selector, what is going."""
    if old.metadata.deletion_timestamp:
        raise Conflict(f"{old.key} is being deleted; apply it again when it is gone")
    if isinstance(old, Pod) and isinstance(new, Pod) and _unchangeable(old.spec) != _unchangeable(_less_tolerant(new, old)):
        raise Conflict(
            f"{old.key}: of a Pod only image, command, args, env, envFrom and workingDir of its containers can be changed, and"
            f" tolerations added; `netlab delete {old.key}` first"
        )
    if isinstance(old, ConfigMap | Secret) and isinstance(new, ConfigMap | Secret) and (why := immutable_fault(old, new)):
        raise Conflict(why, origin=f'The {old.kind} "{old.metadata.name}" is invalid')
    if isinstance(old, WORKLOADS) and isinstance(new, WORKLOADS) and old.spec.selector != new.spec.selector:
        raise Conflict(f"{old.key}: spec.selector cannot be changed; `netlab delete {old.key}` first")
    if isinstance(old, Job) and isinstance(new, Job) and _lasting(old) != _lasting(new):
        fixed = "template, completions and completionMode of a Job cannot be changed"
        raise Conflict(f"{old.key}: {fixed}; `netlab delete {old.key}` first")


def _lasting(item: Job) -> tuple[object, ...]:
    return item.spec.template, item.spec.completions, item.spec.completion_mode


def _less_tolerant(new: Pod, old: Pod) -> PodSpec:
    """The new spec without tolerations that were only added."""
    is_added = set(old.spec.tolerations) <= set(new.spec.tolerations)
    return replace(new.spec, tolerations=old.spec.tolerations) if is_added else new.spec


def _unchangeable(spec: PodSpec) -> PodSpec:
    """The spec without what one container can change in a running Pod: then it alone is replaced (N15)."""
    init, main = (
        tuple(
            replace(container, image="", command=(), args=(), env=(), env_from=(), working_dir="", image_pull_policy="")
            for container in containers
        )
        for containers in (spec.init_containers, spec.containers)
    )
    return replace(spec, init_containers=init, containers=main)

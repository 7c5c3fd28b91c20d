"""Rollouts by hand: pause, resume, restart and undo, as changes of a Deployment; restart of a DaemonSet too. Pure.

Source: kubectl pkg/cmd/rollout, pkg/polymorphichelpers (objectpauser.go, objectrestarter.go, rollback.go), as of v1.32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netlab.desired.deployments import OWN, plain_template, revision_of
from netlab.errors import NetlabError
from netlab.model.daemon_set import DaemonSet
from netlab.model.lab import KubernetesObject
from netlab.model.workload import Deployment, PodTemplateSpec, ReplicaSet

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def with_pause(item: KubernetesObject, resource: str, *, paused: bool) -> Deployment:
    """Return the Deployment paused or resumed. `resource` is its kind as errors name it.

    Raises NetlabError: it is so already, or is no Deployment.
    """
    name = f'{resource} "{item.metadata.name}"'
    if not isinstance(item, Deployment):
        raise NetlabError(f"{name} {'pausing' if paused else 'resuming'} is not supported; only Deployments can be paused")
    if item.spec.paused == paused:
        raise NetlabError(f"{name} is {'already' if paused else 'not'} paused")
    return replace(item, spec=replace(item.spec, paused=paused))


def restarted(item: KubernetesObject, resource: str, stamp: str) -> Deployment | DaemonSet:
    """Return the Deployment or DaemonSet with the time `stamp` (RFC 3339) in its template, so that all Pods are replaced.

    Raises NetlabError: it is paused, or of another kind.
    """
    name = f'{resource} "{item.metadata.name}"'
    if isinstance(item, DaemonSet):
        return replace(item, spec=replace(item.spec, template=_stamped(item.spec.template, stamp)))
    if not isinstance(item, Deployment):
        raise NetlabError(f"{name} restarting is not supported")
    if item.spec.paused:
        raise NetlabError(f"{name} can't restart paused deployment (run rollout resume first)")
    return replace(item, spec=replace(item.spec, template=_stamped(item.spec.template, stamp)))


def _stamped(template: PodTemplateSpec, stamp: str) -> PodTemplateSpec:
    annotations = {**template.metadata.annotations, RESTARTED_AT: stamp}
    return replace(template, metadata=replace(template.metadata, annotations=annotations))


def rolled_back(item: KubernetesObject, owned: Sequence[ReplicaSet], to_revision: int) -> Deployment:
    """Return the Deployment with the template and annotations of an earlier revision; 0 is the one before the present one.

    Raises NetlabError: there is no such revision, it is paused, or is no Deployment.
    """
    if isinstance(item, DaemonSet):
        raise NetlabError(f"{item.key} keeps no earlier templates here; apply the one that is wanted")
    if not isinstance(item, Deployment):
        raise NetlabError(f'no rollbacker has been implemented for "{item.kind}" (only Deployments have revisions)')
    target = _target(item, owned, to_revision)
    if item.spec.paused:
        raise NetlabError("you cannot rollback a paused deployment; resume it first with 'netlab rollout resume' and try again")
    own = {key: text for key, text in item.metadata.annotations.items() if key in OWN}
    told = {key: text for key, text in target.metadata.annotations.items() if key not in OWN}
    spec = replace(item.spec, template=plain_template(target.spec.template))
    return replace(item, metadata=replace(item.metadata, annotations={**told, **own}), spec=spec)


def _target(item: Deployment, owned: Sequence[ReplicaSet], to_revision: int) -> ReplicaSet:
    numbered = sorted((one for one in owned if revision_of(one)), key=revision_of)
    if to_revision:
        found = next((one for one in numbered if revision_of(one) == to_revision), None)
        if found is None:
            raise NetlabError(f"unable to find specified revision {to_revision} in history")
        return found
    if len(numbered) <= 1:
        raise NetlabError(f'no rollout history found for deployment "{item.metadata.name}"')
    return numbered[-2]

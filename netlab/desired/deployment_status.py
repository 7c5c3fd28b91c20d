"""Counts and conditions of a Deployment: how far its rollout is, and what `wait` and `rollout status` wait for. Pure.

Nothing of this is stored: it follows from the ReplicaSets and Pods, and so do the times. A rollout has come forward when its
set was made, or a Pod of it became ready.
Source: Kubernetes docs, Deployment (Deployment status); pkg/controller/deployment: progress.go, sync.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netlab.desired.availability import available_at, is_available
from netlab.desired.conditions import ready_since
from netlab.desired.owning import is_active
from netlab.desired.rollouts import Rollout, allowance
from netlab.model.meta import Condition
from netlab.model.pod import Pod
from netlab.model.times import epoch, rfc3339
from netlab.model.workload import DeploymentStatus


def deployment_status(rollout: Rollout, pods: Sequence[Pod], new_pods: Sequence[Pod], now: float) -> DeploymentStatus:
    """Return the status of a Deployment.

    Args:
        rollout: where it stands.
        pods: of all its ReplicaSets.
        new_pods: of the one of the present template.
        now: seconds since the epoch.
    """
    spec = rollout.deployment.spec
    active, updated = [pod for pod in pods if is_active(pod)], [pod for pod in new_pods if is_active(pod)]
    available = sum(is_available(pod, spec.min_ready_seconds, now) for pod in active)
    since = max((ready_since(pod) for pod in active), default=rollout.deployment.metadata.creation_timestamp)
    is_complete = len(updated) == len(active) == available == spec.replicas
    return DeploymentStatus(
        replicas=len(active),
        updated_replicas=len(updated),
        ready_replicas=sum(pod.is_ready for pod in active),
        available_replicas=available,
        unavailable_replicas=max(0, max(spec.replicas, len(active)) - available),
        conditions=(
            _available(enough=available >= spec.replicas - allowance(spec)[1], since=since),
            _progressing(rollout, updated, now, is_complete=is_complete),
        ),
    )


def progressed_at(rollout: Rollout, new_pods: Sequence[Pod]) -> str:
    """Return when the rollout came forward the last time (RFC 3339)."""
    made = rollout.new.metadata.creation_timestamp if rollout.new else rollout.deployment.metadata.creation_timestamp
    return max([made, *(ready_since(pod) for pod in new_pods if pod.is_ready)])


def moments(rollout: Rollout, pods: Sequence[Pod], now: float) -> tuple[float, ...]:
    """Return when a Pod will count as available that is ready already; `pods` are all of the Deployment's."""
    wait = rollout.deployment.spec.min_ready_seconds
    found = (available_at(pod, wait) for pod in pods) if wait else ()
    return tuple(moment for moment in found if moment is not None and moment > now)


def _available(*, enough: bool, since: str) -> Condition:
    return Condition(
        type="Available",
        status="True" if enough else "False",
        last_transition_time=since,
        reason="MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        message=f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    )


def _progressing(rollout: Rollout, new_pods: Sequence[Pod], now: float, *, is_complete: bool) -> Condition:
    spec, since = rollout.deployment.spec, progressed_at(rollout, new_pods)
    name = f'ReplicaSet "{rollout.new.metadata.name}"' if rollout.new else f'Deployment "{rollout.deployment.metadata.name}"'
    late_at = epoch(since) + spec.progress_deadline_seconds
    found = Condition(type="Progressing", status="True", last_transition_time=since)
    if is_complete:
        return replace(found, reason="NewReplicaSetAvailable", message=f"{name} has successfully progressed.")
    if spec.paused:
        return replace(found, status="Unknown", reason="DeploymentPaused", message="Deployment is paused")
    if now >= late_at:
        return replace(
            found, status="False", last_transition_time=rfc3339(late_at), reason="ProgressDeadlineExceeded",
            message=f"{name} has timed out progressing.",
        )  # fmt: skip
    return replace(found, reason="ReplicaSetUpdated", message=f"{name} is progressing.")

"""Conditions of Pods and Deployments, and how many Pods a Deployment has: what `kubectl wait` waits for. Pure.

Nothing of this is stored: it follows from the statuses of Pods, and so do the times. A Pod is Ready since the last of its
containers started, and not Ready since the last of them ended.
Source: Kubernetes docs, pod-lifecycle (Pod conditions); kubelet status/generate.go; deployment controller, util.Conditions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from netlab.model.lifecycle import INITIALIZING
from netlab.model.meta import Condition
from netlab.model.pod import ContainerStatus, Pod
from netlab.model.workload import Deployment, DeploymentStatus

MAX_UNAVAILABLE = 0.25


def pod_conditions(pod: Pod) -> tuple[Condition, ...]:
    """Return Initialized, Ready, ContainersReady and PodScheduled, in the kubelet's order; only the last while unbound.

    Initialized is since the last of the init containers has done its part, or since the Pod was bound.
    """
    since = pod.status.start_time
    if not pod.spec.node_name:
        stamp, why = pod.metadata.creation_timestamp, pod.status.message
        return (
            Condition(
                type="PodScheduled",
                status="False",
                last_transition_time=stamp,
                reason="Unschedulable" if why else "",
                message=why,
            ),
        )
    ready = _readiness(pod, "Ready"), _readiness(pod, "ContainersReady")
    return _initialized(pod), *ready, Condition(type="PodScheduled", status="True", last_transition_time=since)


def _initialized(pod: Pod) -> Condition:
    sidecars = {container.name for container in pod.spec.sidecars}
    init = pod.status.init_container_statuses
    left = [status.name for status in init if not _did_its_part(status, is_sidecar=status.name in sidecars)]
    if left and any(status.reason == INITIALIZING for status in pod.status.container_statuses):
        return Condition(
            type="Initialized", status="False", last_transition_time=pod.status.start_time, reason="ContainersNotInitialized",
            message=f"containers with incomplete status: [{' '.join(left)}]",
        )  # fmt: skip
    moments = (status.started_at if status.name in sidecars else status.finished_at for status in init)
    since = max(moments, default="") or pod.status.start_time
    return Condition(type="Initialized", status="True", last_transition_time=since)


def _did_its_part(status: ContainerStatus, *, is_sidecar: bool) -> bool:
    return status.state == "running" if is_sidecar else status.state == "terminated" and status.exit_code == 0


def ready_since(pod: Pod) -> str:
    """Return when the last container of a Pod started or ended (RFC 3339), or when the Pod was bound."""
    times = [moment for item in pod.lasting_statuses for moment in (item.started_at, item.finished_at)]
    times += [item.last_state.finished_at for item in pod.lasting_statuses if item.last_state]
    return max(times, default="") or pod.status.start_time


def _readiness(pod: Pod, kind: str) -> Condition:
    since = ready_since(pod)
    if pod.is_ready:
        return Condition(type=kind, status="True", last_transition_time=since)
    if pod.status.phase == "Succeeded":
        return Condition(type=kind, status="False", last_transition_time=since, reason="PodCompleted")
    idle = [item.name for item in pod.lasting_statuses if item.state != "running"]
    words = f"containers with unready status: [{' '.join(idle)}]" if idle else ""
    return Condition(type=kind, status="False", last_transition_time=since, reason="ContainersNotReady", message=words)


def deployment_status(deployment: Deployment, pods: Sequence[Pod]) -> DeploymentStatus:
    """Return the counts and conditions of a Deployment. `pods` are its replicas that are not being deleted."""
    wished = deployment.spec.replicas
    ready = [pod for pod in pods if pod.is_ready]
    since = max((ready_since(pod) for pod in pods), default=deployment.metadata.creation_timestamp)
    return DeploymentStatus(
        replicas=len(pods),
        updated_replicas=len(pods),
        ready_replicas=len(ready),
        available_replicas=len(ready),
        unavailable_replicas=max(0, wished - len(ready)),
        conditions=(
            _available(enough=len(ready) >= wished - int(wished * MAX_UNAVAILABLE), since=since),
            _progressing(deployment, complete=len(ready) == wished == len(pods), since=since),
        ),
    )


def _available(*, enough: bool, since: str) -> Condition:
    return Condition(
        type="Available",
        status="True" if enough else "False",
        last_transition_time=since,
        reason="MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        message=f"Deployment {'has' if enough else 'does not have'} minimum availability.",
    )


def _progressing(deployment: Deployment, *, complete: bool, since: str) -> Condition:
    reason: Literal["NewReplicaSetAvailable", "ReplicaSetUpdated"] = (
        "NewReplicaSetAvailable" if complete else "ReplicaSetUpdated"
    )
    verb = "has successfully progressed" if complete else "is progressing"
    return Condition(
        type="Progressing",
        status="True",
        last_transition_time=since,
        reason=reason,
        message=f'Deployment "{deployment.metadata.name}" {verb}.',
    )

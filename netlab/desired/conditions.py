"""Conditions of Pods: what `kubectl wait` waits for. Pure.

They follow from the statuses of Pods, and so do the times. A Pod is Ready since the last of its containers started, and not
Ready since the last of them ended, unless a probe has a say in it: then the status holds the moment. It also holds since when
there is a sandbox, and nothing if there is none.
Source: Kubernetes docs, pod-lifecycle (Pod conditions); kubelet status/generate.go.
"""

from __future__ import annotations

from netlab.model.lifecycle import INITIALIZING
from netlab.model.meta import Condition
from netlab.model.pod import Pod
from netlab.model.pod_status import ContainerStatus

SANDBOX_READY = "PodReadyToStartContainers"


def pod_conditions(pod: Pod) -> tuple[Condition, ...]:
    """Return the five conditions in the kubelet's order; PodScheduled alone while the Pod is unbound.

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
    scheduled = Condition(type="PodScheduled", status="True", last_transition_time=since)
    return _sandbox_ready(pod), _initialized(pod), *ready, scheduled


def _sandbox_ready(pod: Pod) -> Condition:
    known = (item for item in pod.status.conditions if item.type == SANDBOX_READY)
    return next(
        known, Condition(type=SANDBOX_READY, status="False", last_transition_time=_last_end(pod) or pod.status.start_time)
    )


def _last_end(pod: Pod) -> str:
    """When the last of the containers ended, and the sandbox with it; empty if none has."""
    return max((item.finished_at for item in pod.status.container_statuses), default="")


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
    """Return since when a Pod has been as ready as it is (RFC 3339).

    That is when a probe last changed its mind, or the last container started or ended, or the Pod was bound.
    """
    if known := [item.last_transition_time for item in pod.status.conditions if item.type == "Ready"]:
        return known[0]
    times = [moment for item in pod.lasting_statuses for moment in (item.started_at, item.finished_at)]
    times += [item.last_state.finished_at for item in pod.lasting_statuses if item.last_state]
    return max(times, default="") or pod.status.start_time


def _readiness(pod: Pod, kind: str) -> Condition:
    since = ready_since(pod)
    if pod.is_serving:
        return Condition(type=kind, status="True", last_transition_time=since)
    if pod.status.phase == "Succeeded":
        return Condition(type=kind, status="False", last_transition_time=since, reason="PodCompleted")
    idle = [item.name for item in pod.lasting_statuses if not item.ready]
    words = f"containers with unready status: [{' '.join(idle)}]" if idle else ""
    return Condition(type=kind, status="False", last_transition_time=since, reason="ContainersNotReady", message=words)

"""The phase table of a Pod (N21-N24), and the one word `get pods` prints in its STATUS column.

Nothing else in netlab decides a phase. First each container gets a fate from the table FATES, then the first row of PHASES
whose fate occurs in the Pod names its phase. A phase is made from facts only, so it can be recomputed at any time.

Phase and word are different things: CrashLoopBackOff, Completed and Terminating are words; a crash-looping Pod is Running.
Source: Kubernetes docs, pod-lifecycle; kubelet getPhase; kubectl's printer of Pods.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from netlab.model.pod import Pod, RestartPolicy
    from netlab.model.pod_status import ContainerStatus, PodPhase

Outcome = Literal["absent", "running", "restarting", "success", "failure"]
Fate = Literal["absent", "alive", "failed", "completed"]

# What an ended container means under each restartPolicy; the other outcomes mean the same under all of them.
FATES: dict[tuple[RestartPolicy, Outcome], Fate] = {
    ("Always", "success"): "alive",
    ("Always", "failure"): "alive",
    ("OnFailure", "success"): "completed",
    ("OnFailure", "failure"): "alive",
    ("Never", "success"): "completed",
    ("Never", "failure"): "failed",
}
COMMON_FATES: dict[Outcome, Fate] = {"absent": "absent", "running": "alive", "restarting": "alive"}

# The first row whose fate at least one container has is the phase; a Pod without any container status is Pending.
PHASES: tuple[tuple[Fate, PodPhase], ...] = (
    ("absent", "Pending"),  # N21: one container that is not created yet is enough
    ("alive", "Running"),  # N22: one container that runs or will be restarted is enough
    ("failed", "Failed"),  # N24
    ("completed", "Succeeded"),  # N23
)

# Waiting for these reasons, a container has been created before: it waits for its restart, not for its creation.
RESTARTING_REASONS = frozenset({"CrashLoopBackOff", "RunContainerError"})
INITIALIZING = "PodInitializing"
FINAL_PHASES: frozenset[PodPhase] = frozenset({"Succeeded", "Failed"})


def outcome(status: ContainerStatus) -> Outcome:
    """Return what one container status says about its container, whatever the restartPolicy is.

    One that waits for its creation and has started before is being replaced: the Pod stays Running.
    """
    match status.state:
        case "running":
            return "running"
        case "terminated":
            return "success" if status.exit_code == 0 else "failure"
        case "waiting":
            return "restarting" if status.reason in RESTARTING_REASONS or status.last_state else "absent"


def container_fate(policy: RestartPolicy, status: ContainerStatus) -> Fate:
    """Return whether a container is still to come, alive (runs, or will again), or has ended for good and how."""
    found = outcome(status)
    return COMMON_FATES[found] if found in COMMON_FATES else FATES[policy, found]


def pod_phase(
    policy: RestartPolicy,
    statuses: Iterable[ContainerStatus],
    *,
    deleting: bool = False,
    init: Iterable[ContainerStatus] = (),
) -> PodPhase:
    """Return the phase that follows from the restartPolicy and the states of *all* the Pod's containers.

    Args:
        policy: `spec.restartPolicy`.
        statuses: one status for each container of the spec; none at all means that nothing is set up yet.
        deleting: the Pod has a deletionTimestamp; then nothing is restarted any more, whatever `policy` says.
        init: one status for each init container that is no sidecar. One that failed for good is the Pod's end; otherwise the
            Pod is Pending until the other containers were created.
    """
    policy = "Never" if deleting else policy
    if any(container_fate("Never" if policy == "Never" else "OnFailure", status) == "failed" for status in init):
        return "Failed"
    fates = {container_fate(policy, status) for status in statuses}
    return next((phase for fate, phase in PHASES if fate in fates), "Pending")


def next_phase(earlier: PodPhase, found: PodPhase) -> PodPhase:
    """Return `found`, except that Succeeded and Failed are final: the kubelet never leaves them either."""
    return earlier if earlier in FINAL_PHASES else found


def status_word(pod: Pod) -> str:
    """Return the STATUS word as `kubectl get pods` prints it.

    The first container (in the spec's order) with a reason names it: ContainerCreating, CrashLoopBackOff, Completed, Error, ...
    Without a reason it is the phase. Completed beside a container that still runs is NotReady, as in kubectl.
    """
    status = pod.status
    if pod.metadata.deletion_timestamp and status.phase not in FINAL_PHASES:
        return "Terminating"
    if not status.reason and (word := _init_word(pod)):
        return word
    reasons = [word for item in status.container_statuses if (word := _reason(item))]
    word = reasons[0] if reasons else status.reason or status.phase
    some_run = any(item.state == "running" for item in status.container_statuses)
    return "NotReady" if word == "Completed" and some_run else word


def _init_word(pod: Pod) -> str:
    """Return how far the init containers are: `Init:0/2`, `Init:CrashLoopBackOff`; empty when they are done."""
    sidecars = {container.name for container in pod.spec.sidecars}
    if any(item.reason != INITIALIZING for item in pod.status.container_statuses):
        return ""
    for number, item in enumerate(pod.status.init_container_statuses):
        if (item.state == "terminated" and item.exit_code == 0) or (item.name in sidecars and item.state == "running"):
            continue
        if item.state == "terminated" or (item.state == "waiting" and item.reason not in {"", INITIALIZING}):
            return f"Init:{_reason(item)}"
        return f"Init:{number}/{len(pod.spec.init_containers)}"
    return ""


def _reason(status: ContainerStatus) -> str:
    if status.state == "terminated" and not status.reason:
        return f"ExitCode:{status.exit_code}"
    return "" if status.state == "running" else status.reason

"""`status` of a Pod: what the runtime saw, in Kubernetes' words. Pure: times come in as numbers and leave as RFC 3339.

One container status for each container of the spec, in its order, as soon as the Pod is bound to a Node. Waiting has a reason,
running a start, terminated a reason, an exit code and two times. How the run before ended is kept beside it: of a container
that waits for its restart, the run that just ended.
Source: Kubernetes API reference, core/v1 ContainerStatus; kubelet convertToAPIContainerStatuses; containerd's reasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from netlab.desired.assignments import PodAssignment
from netlab.desired.conditions import SANDBOX_READY, ready_since
from netlab.desired.disk_evictions import EVICTED
from netlab.desired.initializing import is_initialized, present_runs, restart_policy
from netlab.desired.probing import awaits_hook, has_started, is_ready, is_unwell
from netlab.desired.restarts import Backoff, Wait, decide_restart, needs_restart
from netlab.model.container import Container
from netlab.model.lifecycle import FINAL_PHASES, INITIALIZING, next_phase, pod_phase
from netlab.model.meta import Condition
from netlab.model.pod import Pod, RestartPolicy
from netlab.model.pod_status import ContainerStateTerminated, ContainerStatus, PodStatus
from netlab.model.times import rfc3339
from netlab.netstate.process import ContainerRun, SandboxStatus

START_ERROR_CODE = 128  # containerd's exit code for a process that could never be started
CREATING = "ContainerCreating"
DEADLINE_EXCEEDED = "DeadlineExceeded"
TOO_LONG = "Pod was active on the node longer than the specified deadline"
LOST_CODE = 137  # kubelet's exit code for a container whose end nobody saw


def pod_status(
    pod: Pod,
    assignment: PodAssignment | None,
    sandbox: SandboxStatus | None,
    backoffs: Mapping[str, Backoff],
    now: float,
    *,
    host_ips: tuple[str, ...] = (),
    config_error: str = "",
) -> PodStatus:
    """Return the status that follows from what is assigned and what is seen.

    Args:
        pod: the Pod with its earlier status: startTime is kept, and Succeeded and Failed are never left.
        assignment: Node and addresses, or None if there is none yet.
        sandbox: what exists of the Pod's processes, or None if nothing does.
        backoffs: restart records by container name; missing ones are `Backoff()`.
        now: seconds since the epoch.
        host_ips: the addresses of the Pod's Node on the fabric.
        config_error: why no container can be set up (a missing ConfigMap); shown as CreateContainerConfigError, as is why a
            single one cannot be made.
    """
    if assignment is None or not assignment.node:
        return PodStatus(message=assignment.reason if assignment else "")
    if sandbox is None and pod.status.phase in FINAL_PHASES:
        return pod.status  # its processes were cleared away; what they were stays true
    runs = {run.name: run for run in sandbox.runs} if sandbox else {}
    before = {run.name: ended(run) for run in sandbox.previous if run.state != "created"} if sandbox else {}
    deleting = bool(pod.metadata.deletion_timestamp)
    awaited = INITIALIZING if pod.spec.init_containers and not is_initialized(pod.spec, present_runs(sandbox)) else CREATING

    def statuses(containers: Iterable[Container]) -> tuple[ContainerStatus, ...]:
        found = (
            container_status(
                pod, item, runs.get(item.name), backoffs.get(item.name, Backoff()), now,
                config_error=config_error, awaited=awaited,
            )
            for item in containers
        )  # fmt: skip
        return tuple(status if status.last_state else replace(status, last_state=before.get(status.name)) for status in found)

    init, main = statuses(pod.spec.init_containers), statuses(pod.spec.containers)
    init = tuple(replace(item, ready=item.ready or item.exit_code == 0) for item in init)  # it has done what it is for
    parts = tuple(status for status, item in zip(init, pod.spec.init_containers, strict=True) if not item.is_sidecar)
    found = PodStatus(
        phase=next_phase(pod.status.phase, pod_phase(pod.spec.restart_policy, main, deleting=deleting, init=parts)),
        reason=pod.status.reason,
        message=pod.status.message if pod.status.reason else "",
        pod_ips=assignment.ips,
        host_ips=host_ips,
        start_time=pod.status.start_time or rfc3339(now),
        init_container_statuses=init,
        container_statuses=main,
    )
    found = replace(found, conditions=(*_sandbox_since(sandbox), *_ready_since(pod, found, runs.values())))
    if sandbox and sandbox.evicted and found.phase not in FINAL_PHASES:
        return replace(found, phase="Failed", reason=EVICTED, message=sandbox.evicted)
    over = found.phase not in FINAL_PHASES and now >= active_until(pod, found.start_time)
    return replace(found, phase="Failed", reason=DEADLINE_EXCEEDED, message=TOO_LONG) if over else found


def _sandbox_since(sandbox: SandboxStatus | None) -> tuple[Condition, ...]:
    """The condition PodReadyToStartContainers, as long as the Pod has its namespaces and network."""
    if sandbox is None or not sandbox.alive:
        return ()
    return (Condition(type=SANDBOX_READY, status="True", last_transition_time=rfc3339(sandbox.started_at)),)


def _ready_since(pod: Pod, found: PodStatus, runs: Iterable[ContainerRun]) -> tuple[Condition, ...]:
    """The condition Ready, if a probe has a say in it: then the moment does not follow from starts and ends alone."""
    probed = max((run.health.since for run in runs), default=0.0)
    if not probed:
        return ()
    later = replace(pod, status=found)
    since = max(ready_since(later), rfc3339(probed))
    return (Condition(type="Ready", status="True" if later.is_serving else "False", last_transition_time=since),)


def active_until(pod: Pod, start_time: str) -> float:
    """Return the moment (seconds since the epoch) from which on a Pod has been active too long; infinity without a deadline."""
    allowed_s = pod.spec.active_deadline_seconds
    if allowed_s is None or not start_time:
        return math.inf
    return datetime.fromisoformat(start_time).timestamp() + allowed_s


def container_status(
    pod: Pod,
    container: Container,
    run: ContainerRun | None,
    backoff: Backoff,
    now: float,
    *,
    config_error: str = "",
    awaited: str = CREATING,
) -> ContainerStatus:
    """Return the status of one container from its newest run; None means that it has not been created yet.

    `awaited` is the reason why a container that was not created yet is not.
    """
    ending = pod.metadata.deletion_timestamp or pod.status.phase in FINAL_PHASES
    policy: RestartPolicy = "Never" if ending else restart_policy(pod.spec, container)
    if run is None or run.state == "created":
        return _waiting(container, run, config_error or (run.error if run else ""), awaited)
    if awaits_hook(container, run):
        return _waiting(container, run, "", awaited)
    match run.state:
        case "running":
            started = rfc3339(run.started_at)
            return ContainerStatus(
                name=run.name, state="running", started_at=started, restart_count=run.attempt,
                ready=is_ready(container, run), started=has_started(container, run),
            )  # fmt: skip
        case "failed" if needs_restart(policy, run):
            return _awaits_restart(run, "RunContainerError", run.error)
        case "failed":
            return _terminated(run)
        case "exited" if run.stopping_at and not ending and not is_unwell(run):  # another one is about to take its place
            return _awaits_restart(run, CREATING)
        case "exited":
            decision = decide_restart(policy, run, backoff, now)
            if isinstance(decision, Wait):
                return _awaits_restart(run, "CrashLoopBackOff", _backoff_message(pod, run, decision))
            return _terminated(run)


def end_reason(run: ContainerRun) -> str:
    """Return the reason of a run that has ended: OOMKilled, Completed, Error, or ContainerStatusUnknown if nobody saw it."""
    if run.oom_killed:
        return "OOMKilled"
    if run.exit_code is None:
        return "ContainerStatusUnknown"
    return "Error" if run.exit_code else "Completed"


def _waiting(container: Container, run: ContainerRun | None, config_error: str, awaited: str) -> ContainerStatus:
    return ContainerStatus(
        name=container.name,
        state="waiting",
        reason="CreateContainerConfigError" if config_error else awaited,
        message=config_error,
        restart_count=run.attempt if run else 0,
    )


def ended(run: ContainerRun) -> ContainerStateTerminated:
    """Return how a run ended; one that could not be started says why."""
    unknown = START_ERROR_CODE if run.state == "failed" else LOST_CODE
    return ContainerStateTerminated(
        exit_code=unknown if run.exit_code is None else run.exit_code,
        reason="StartError" if run.state == "failed" else end_reason(run),
        message=run.error or run.message,
        started_at=rfc3339(run.started_at),
        finished_at=rfc3339(run.finished_at),
    )


def _terminated(run: ContainerRun) -> ContainerStatus:
    end = ended(run)
    return ContainerStatus(
        name=run.name,
        state="terminated",
        reason=end.reason,
        message=end.message,
        exit_code=end.exit_code,
        started_at=end.started_at,
        finished_at=end.finished_at,
        restart_count=run.attempt,
    )


def _awaits_restart(run: ContainerRun, reason: str, message: str = "") -> ContainerStatus:
    return ContainerStatus(
        name=run.name, state="waiting", reason=reason, message=message, restart_count=run.attempt, last_state=ended(run)
    )


def _backoff_message(pod: Pod, run: ContainerRun, decision: Wait) -> str:
    meta = pod.metadata
    where = f"container={run.name} pod={meta.name}_{meta.namespace}({meta.uid})"
    return f"back-off {decision.backoff.delay_s:g}s restarting failed {where}"

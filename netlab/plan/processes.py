"""The processes of all Pods: from what is wished and what runs to the steps that bring the second to the first. Pure.

    deleting ........ TERM once, to sidecars when the others have ended, the last one first; when all have ended or the
                      grace period is over, remove what is left
    finished ........ (Succeeded, Failed) stop sidecars in the same way, then the sandbox; keep its logs
    else ............ the sandbox lives, in the Pod's network namespace, and the files of its volumes are up to date; init
                      containers run one after the other, then each container runs, or ended and restartPolicy says what
                      then (desired/restarts.py); one whose wish has changed gets TERM, in the end KILL, and is started anew
                      whatever restartPolicy says, while the others run on; one that failed its startup or liveness probe is
                      ended in the same way, and what then restartPolicy says
    unknown ......... a sandbox without a Pod is removed

Steps of one Pod stand in order and belong in one thread; different Pods have nothing to do with each other.
Source: Kubernetes docs, pod-lifecycle (termination of Pods); kubelet computePodActions.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from datetime import datetime

from netlab.desired.initializing import due, present_runs, restart_policy
from netlab.desired.probing import Place, awaits_hook, is_unwell
from netlab.desired.restarts import Backoff, RestartNow, Wait, decide_restart
from netlab.desired.status import active_until
from netlab.frozen import dataclass
from netlab.model.container import Container
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod
from netlab.netstate.process import ContainerRun, Sandbox, SandboxStatus
from netlab.netstate.volume import digest_of
from netlab.plan.process_steps import Kill, ProcessStep, Remove, StartContainer, StartSandbox, Terminate, WriteFiles
from netlab.plan.stopping import Ending, StopContainer, post_start, stop

AGAIN_S = 10.0
"""How long after it could not be made a container is tried again. Source: kubelet, pod_workers.go (backOffPeriod)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One Pod that is bound: its object with the newest status, its processes, and from where it is asked.

    `sandbox` is None while the processes cannot be formed.
    """

    pod: Pod
    sandbox: Sandbox | None
    backoffs: Mapping[str, Backoff] = field(default_factory=dict)
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPlan:
    """Steps by Pod uid; restart records to store; the next moment (seconds since the epoch) at which to look again."""

    steps: Mapping[str, tuple[ProcessStep, ...]] = field(default_factory=dict)
    backoffs: Mapping[tuple[str, str], Backoff] = field(default_factory=dict)
    wake_at: float | None = None


def plan_processes(wishes: Iterable[Wish], observed: Mapping[str, SandboxStatus], now: float) -> ProcessPlan:
    """Return what is to be done with the processes of these Pods.

    Args:
        wishes: every Pod that is bound to a Node; Pods not bound have no processes.
        observed: every sandbox there is, by Pod uid.
        now: seconds since the epoch.
    """
    by_uid = {wish.pod.metadata.uid: wish for wish in wishes}
    steps: dict[str, tuple[ProcessStep, ...]] = {uid: (Remove(uid=uid),) for uid in observed if uid not in by_uid}
    backoffs: dict[tuple[str, str], Backoff] = {}
    moments: list[float] = []
    for uid, wish in by_uid.items():
        seen = observed.get(uid)
        if wish.pod.metadata.deletion_timestamp:
            found, ends = _end(wish, seen, now) if seen else ((), [])
            moments += ends
        elif wish.pod.status.phase in FINAL_PHASES:
            found, ends = _finish(wish, seen, now) if seen and (seen.alive or seen.detached) else ((), [])
            moments += ends
        elif wish.sandbox is None:
            found = ()
        else:
            found, waits, ends = _run(wish, wish.sandbox, seen, now)
            backoffs |= {(uid, name): wait.backoff for name, wait in waits.items()}
            moments += [*(wait.until for wait in waits.values()), *ends]
            until = active_until(wish.pod, wish.pod.status.start_time)
            moments += [until] if until < math.inf else []
        if found:
            steps[uid] = found
    return ProcessPlan(steps=steps, backoffs=backoffs, wake_at=min(moments, default=None))


def deadline(pod: Pod) -> float:
    """Return the moment (seconds since the epoch) at which a Pod that is being deleted is killed: its deletionTimestamp."""
    return datetime.fromisoformat(pod.metadata.deletion_timestamp).timestamp()


def _end(wish: Wish, seen: SandboxStatus, now: float) -> tuple[tuple[ProcessStep, ...], list[float]]:
    """Steps for a Pod that is being deleted, and moments at which there are more."""
    pod = wish.pod
    running = [run.name for run in seen.runs if run.state == "running" or (run.state == "created" and not run.error)]
    if not (seen.alive and running) or pod.metadata.deletion_grace_period_seconds == 0:
        return (Remove(uid=seen.uid),), []
    if any(container.lifecycle and container.lifecycle.pre_stop for container in pod.spec.all_containers):
        return _end_with_hooks(wish, seen, now)
    if now >= deadline(pod):
        return (Remove(uid=seen.uid),), []
    steps: list[ProcessStep] = []
    sidecars = {container.name for container in pod.spec.sidecars}
    others = tuple(name for name in running if name not in sidecars)
    if not seen.terminating:
        steps.append(Terminate(uid=seen.uid, names=others))
    last = None if others else _last_sidecar(pod, seen)
    if last is not None and not last.stopping_at:
        steps.append(StopContainer(uid=seen.uid, name=last.name, attempt=last.attempt))
    return tuple(steps), [deadline(pod)]


def _end_with_hooks(wish: Wish, seen: SandboxStatus, now: float) -> tuple[tuple[ProcessStep, ...], list[float]]:
    """The same, container by container, because each has its own preStop hook and its own TERM."""
    found = [stop(wish.pod, wish.place, run, now, until=deadline(wish.pod)) for run in _to_stop(wish.pod, seen)]
    if not found or any(isinstance(step, StopContainer) and step.force for step, _ in found):
        return (Remove(uid=seen.uid),), []
    return tuple(step for step, _ in found if step), [moment for _, moment in found if moment] or [deadline(wish.pod)]


def _to_stop(pod: Pod, seen: SandboxStatus) -> list[ContainerRun]:
    """The containers to end now: all but sidecars, then the last sidecar that runs."""
    sidecars = {container.name for container in pod.spec.sidecars}
    running = [run for run in seen.runs if run.state == "running" and run.name not in sidecars] if seen.alive else []
    last = _last_sidecar(pod, seen) if seen.alive and not running else None
    return running or ([last] if last else [])


def _last_sidecar(pod: Pod, seen: SandboxStatus) -> ContainerRun | None:
    """The sidecar to stop next: the last one that runs."""
    running = {run.name: run for run in seen.runs if run.state == "running"}
    return next((running[one.name] for one in reversed(pod.spec.sidecars) if one.name in running), None)


def _finish(wish: Wish, seen: SandboxStatus, now: float) -> tuple[tuple[ProcessStep, ...], list[float]]:
    """Steps for what still runs of a Pod that is over (sidecars, or all if it was active too long), and when there are more."""
    left = _to_stop(wish.pod, seen)
    if not left:
        return (Kill(uid=seen.uid),), []
    found = [stop(wish.pod, wish.place, run, now) for run in left]
    return tuple(step for step, _ in found if step), [moment for _, moment in found if moment]


def _run(
    wish: Wish, sandbox: Sandbox, seen: SandboxStatus | None, now: float
) -> tuple[tuple[ProcessStep, ...], dict[str, Wait], list[float]]:
    """Steps, restarts that have to wait, and moments at which grace periods of replaced containers are over."""
    steps: list[ProcessStep] = [] if seen and seen.alive else [StartSandbox(sandbox=sandbox)]
    if seen and seen.alive and seen.files != digest_of(sandbox.files):
        steps.append(WriteFiles(sandbox=sandbox))
    present = present_runs(seen)
    considered = due(wish.pod.spec, present)
    waits: dict[str, Wait] = {}
    moments: list[float] = []
    runs = {run.name: run for run in seen.runs} if seen else {}
    made_from = {process.name: process.revision for process in sandbox.containers}
    for container in considered:
        run = runs.get(container.name)
        if run and container.name not in present and container in wish.pod.spec.init_containers and run.exit_code == 0:
            steps.append(_again(sandbox, run))  # it did its part in a sandbox that is gone
            continue
        if run and is_outdated(run, made_from[container.name]):
            step, moment = _replace(wish, sandbox, run, now)
            steps += [step] if step else []
            moments += [moment] if moment else []
            continue
        if run and run.state == "running" and is_unwell(run):
            step, moment = _end_unwell(wish, container, run, now)
            steps += [step] if step else []
            moments += [moment] if moment else []
            continue
        if run and awaits_hook(container, run):
            hook = post_start(wish.pod, wish.place, run.name, run.attempt) if not run.post_start else None
            steps += [hook] if hook else []
            break  # those that come after it wait
        found = _container(wish, sandbox, container, run, now)
        if isinstance(found, Wait):
            waits[container.name] = found
        elif found is not None:
            hook = post_start(wish.pod, wish.place, found.name, found.attempt)
            steps += [found, *([hook] if hook else [])]
            if hook:
                break
    if waits and len(steps) == 1 and isinstance(steps[0], StartSandbox) and len(waits) == len(considered):
        steps = []  # nothing would run in it yet
    return tuple(steps), waits, moments


def is_outdated(run: ContainerRun, revision: str) -> bool:
    """Tell whether a container was made from another wish than that of `revision`. Source: kubelet containerChanged."""
    return run.state != "created" and bool(run.revision) and run.revision != revision


def _replace(wish: Wish, sandbox: Sandbox, run: ContainerRun, now: float) -> tuple[ProcessStep | None, float | None]:
    """The next step of a replacement, and the moment (seconds since the epoch) at which there is another one to do."""
    return stop(wish.pod, wish.place, run, now) if run.state == "running" else (_again(sandbox, run), None)


def _again(sandbox: Sandbox, run: ContainerRun) -> StartContainer:
    """The next run, whatever the restartPolicy says."""
    fresh = Backoff(restarts=run.attempt + 1)
    return StartContainer(sandbox=sandbox, name=run.name, attempt=fresh.restarts, backoff=fresh)


def _end_unwell(wish: Wish, container: Container, run: ContainerRun, now: float) -> Ending:
    """End a container whose hook or probe has failed; a probe may have a grace period of its own."""
    if not run.health.failed:
        return stop(wish.pod, wish.place, run, now)
    probe = container.startup_probe if run.health.failed == "startup" else container.liveness_probe
    again = "" if restart_policy(wish.pod.spec, container) == "Never" else ", will be restarted"
    grace_s = probe.termination_grace_period_seconds if probe else None
    step, moment = stop(wish.pod, wish.place, run, now, grace_s=grace_s)
    return replace(step, why=f"Container {container.name} failed {run.health.failed} probe{again}") if step else None, moment


def _container(
    wish: Wish, sandbox: Sandbox, container: Container, run: ContainerRun | None, now: float
) -> StartContainer | Wait | None:
    name = container.name
    backoff = wish.backoffs.get(name, Backoff())
    if run and run.state == "created" and run.error and now < run.finished_at + AGAIN_S:
        return Wait(until=run.finished_at + AGAIN_S, backoff=backoff)  # whatever its restartPolicy: it has not begun
    if run is None or run.state == "created":  # `created`: the one who made it died before it could start it, or could not
        return StartContainer(sandbox=sandbox, name=name, attempt=run.attempt if run else backoff.restarts)
    match decide_restart(restart_policy(wish.pod.spec, container), run, backoff, now):
        case RestartNow(backoff=granted):
            return StartContainer(sandbox=sandbox, name=name, attempt=granted.restarts, backoff=granted)
        case Wait() as wait:
            return wait
        case _:
            return None

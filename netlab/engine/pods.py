"""The Pods' side of a round: statuses from what runs, and process steps done, several Pods at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, assert_never

from netlab.desired.disk_evictions import EVICTED
from netlab.desired.image_status import with_images
from netlab.desired.probing import place_of
from netlab.desired.restarts import Backoff
from netlab.desired.status import pod_status
from netlab.desired.unreachable import is_forgotten, last_known_status
from netlab.engine.look import Look
from netlab.engine.mounting import mount_event, tell_failed_mounts
from netlab.engine.pulls import started_event, waiting_events, waits_for_image, waits_of
from netlab.engine.session import Session
from netlab.errors import MountFailure, NetlabError
from netlab.model.event import Event, event_of
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import Pod
from netlab.model.pod_status import ContainerStatus, PodStatus
from netlab.netstate.process import Sandbox, SandboxStatus
from netlab.plan.process_steps import Kill, ProcessStep, Remove, StartContainer, StartSandbox, Terminate, WriteFiles
from netlab.plan.processes import ProcessPlan, Wish
from netlab.plan.stopping import RunHook, StopContainer
from netlab.store.events import record
from netlab.store.store import Store


def wishes(store: Store, look: Look) -> Iterator[Wish]:
    """Yield every Pod that is bound to a Node whose machine is on, with the processes it is to have."""
    restarts = store.restarts()
    for pod in look.cluster.pods:
        if pod.key in look.formed and not look.is_off(pod):
            formed = look.formed[pod.key]
            wanted = formed if isinstance(formed, Sandbox) else None
            place = place_of(pod, look.assignments, look.cluster.lab.metadata.name)
            yield Wish(pod=pod, sandbox=wanted, backoffs=restarts.get(pod.metadata.uid, {}), place=place)


def report_statuses(store: Store, look: Look) -> tuple[Look, int]:
    """Store the status of every Pod as it is seen now, and forget Pods whose deletion is complete.

    Returns the look with the new statuses, and the number of Pods of which there was news.
    """
    tell_failed_mounts(store, look)
    restarts = store.restarts()
    gone = [pod for pod in look.cluster.pods if _is_gone(look, pod)]
    left = look.cluster.without([pod.key for pod in gone]).pods
    statuses = {pod.key: _status(look, pod, restarts.get(pod.metadata.uid, {})) for pod in left}
    changed = [pod for pod in left if statuses[pod.key] != pod.status]
    if changed or gone:
        with store.transaction():
            for pod in changed:
                store.put_status(pod, statuses[pod.key])
                for event in status_events(pod, statuses[pod.key]):
                    record(store, event, look.now)
            for pod in gone:
                store.delete(pod)
        look = replace(look, cluster=store.cluster())  # as the next look will have them: the same objects
    return look, len(changed) + len(gone)


def _is_gone(look: Look, pod: Pod) -> bool:
    """Tell whether the deletion of a Pod is complete."""
    if look.is_off(pod):
        return is_forgotten(pod)
    return bool(pod.metadata.deletion_timestamp) and pod.metadata.uid not in look.seen


def _status(look: Look, pod: Pod, backoffs: Mapping[str, Backoff]) -> PodStatus:
    bound, formed = look.assignments.pods.get(pod.key), look.formed.get(pod.key)
    node = look.assignments.nodes.get(bound.node) if bound else None
    if bound and look.is_off(pod):
        return last_known_status(pod, look.cluster.lab, bound)
    seen = look.seen.get(pod.metadata.uid)
    waits = waits_of(look, Wish(pod=pod, sandbox=formed if isinstance(formed, Sandbox) else None, backoffs=backoffs))
    status = pod_status(
        pod,
        bound,
        seen,
        backoffs,
        look.now,
        host_ips=node.ips if node else (),
        config_error=str(formed) if isinstance(formed, NetlabError) and not isinstance(formed, MountFailure) else "",
    )
    return with_images(status, pod, seen, waits)


def status_events(pod: Pod, later: PodStatus) -> Iterator[Event]:
    """Yield what the kubelet would say about the way from the Pod's status to the later one."""
    if later.reason == EVICTED != pod.status.reason:
        yield event_of(pod.key, "Warning", EVICTED, later.message)
    before = {item.name: item for item in pod.all_statuses}
    for item in replace(pod, status=later).all_statuses:
        earlier = before.get(item.name, ContainerStatus(name=item.name))
        fresh = (item.started_at, item.restart_count) != (earlier.started_at, earlier.restart_count)
        if item.state == "running" and (fresh or earlier.state != "running"):
            yield event_of(pod.key, "Normal", "Started", f"Started container {item.name}")
        elif waits_for_image(item.image, item):
            yield from waiting_events(pod, item.image, earlier, item)
        elif item.reason == "CrashLoopBackOff" and earlier.reason != "CrashLoopBackOff":
            message = f"Back-off restarting failed container {item.name} in pod {pod.metadata.name}"
            yield event_of(pod.key, "Warning", "BackOff", message)
        elif _is_refused(item) and item.message != earlier.message:
            yield event_of(pod.key, "Warning", "Failed", f"Error: {item.message}")


def _is_refused(item: ContainerStatus) -> bool:
    """Tell whether a container could not be made or started; what it says at its own end is no news of ours."""
    return bool(item.message) and item.reason != "CrashLoopBackOff" and (item.state == "waiting" or item.reason == "StartError")


def power_off(look: Look, plan: ProcessPlan) -> ProcessPlan:
    """Return the plan with the end of every process on machines that are off; their files stay, as on a disk."""
    uids = (pod.metadata.uid for pod in look.cluster.pods if look.is_off(pod))
    left = {uid: look.seen[uid] for uid in uids if uid in look.seen}
    ends: dict[str, tuple[ProcessStep, ...]] = {
        uid: (Kill(uid=uid),) for uid, seen in left.items() if seen.alive or seen.detached
    }
    return replace(plan, steps={**plan.steps, **ends})


def running_sandboxes(look: Look) -> dict[str, SandboxStatus]:
    """Return what is seen of the Pods that are not on machines that are off."""
    off = {pod.metadata.uid for pod in look.cluster.pods if look.is_off(pod)}
    return {uid: seen for uid, seen in look.seen.items() if uid not in off}


class Acted(NamedTuple):
    """How many steps were done, a sentence for each Pod that could not be helped, whether Pods wait for their volumes."""

    done: int
    problems: list[str]
    waits: bool


def act(session: Session, look: Look, plan: ProcessPlan, beside: Callable[[], None]) -> Acted:
    """Do the process steps; a Pod whose volumes cannot be set up waits, which is no problem of the lab's.

    `beside` is called meanwhile, in a thread of its own, if there is any step.
    """
    pods = {pod.metadata.uid: pod for pod in look.cluster.pods}
    for step in (step for steps in plan.steps.values() for step in steps):
        if isinstance(step, StartContainer) and step.backoff is not None:
            session.store.put_restart(step.sandbox.uid, step.name, step.backoff)
        elif isinstance(step, StopContainer | RunHook):
            for said in ending_events(pods[step.uid], step):
                record(session.store, said, look.now)
    for step in (step for steps in plan.steps.values() for step in steps if isinstance(step, StartContainer)):
        if event := started_event(look, pods[step.sandbox.uid], step.name):
            record(session.store, event, look.now)
    rows = {uid: tuple(together(steps)) for uid, steps in plan.steps.items()}
    results = session.runtime.each(rows, lambda item: _do(session, item), beside)
    failed = {uid: error for uid, error in results.items() if error is not None}
    problems = []
    waiting = {uid: error for uid, error in failed.items() if isinstance(error, MountFailure)}
    for uid, unmounted in waiting.items():
        record(session.store, mount_event(pods[uid], unmounted), look.now)
    for uid, error in failed.items() - waiting.items():
        pod = pods.get(uid)
        problems.append(f"pod {pod.metadata.namespace}/{pod.metadata.name}: {error}" if pod else str(error))
        if pod:
            event = event_of(pod.key, "Warning", "FailedCreatePodSandBox", str(error))
            record(session.store, event, look.now)
    done = sum(len(steps) for uid, steps in plan.steps.items() if uid not in failed)
    return Acted(done, problems, bool(waiting))


def together(steps: Sequence[ProcessStep]) -> Iterator[ProcessStep | tuple[StartSandbox, StartContainer]]:
    """Yield the steps of a Pod, a sandbox and its first container as one: they are started side by side."""
    match steps:
        case [StartSandbox() as sandbox, StartContainer(attempt=0) as first, *others]:
            yield sandbox, first
            yield from others
        case _:
            yield from steps


def ending_events(pod: Pod, step: StopContainer | RunHook) -> Iterator[Event]:
    """Yield what the kubelet would say of this step of the end of a container."""
    if step.failed_hook:
        yield event_of(pod.key, "Warning", f"Failed{step.failed_hook}Hook", f"{step.failed_hook}Hook failed")
    begins = step.kind == "preStop" if isinstance(step, RunHook) else not (step.force or step.told)
    if begins and not pod.metadata.deletion_timestamp:  # of a deletion it was said when that began
        over = f"Stopping container {step.name}" if pod.status.phase in FINAL_PHASES else ""
        changed = f"Container {step.name} definition changed, will be restarted"
        yield event_of(pod.key, "Normal", "Killing", over or step.why or changed)


def _do(session: Session, step: ProcessStep | tuple[StartSandbox, StartContainer]) -> None:
    """Do one step, or those that belong together; runs in a thread of the runtime."""
    runtime = session.runtime
    match step:
        case StartSandbox(sandbox=wanted), StartContainer(name=name):
            runtime.start_sandbox(wanted, name)
        case StartSandbox(sandbox=wanted) | WriteFiles(sandbox=wanted):
            runtime.start_sandbox(wanted)
        case StartContainer(sandbox=wanted, name=name, attempt=attempt):
            if attempt > 0:
                runtime.remove_container(wanted.uid, name, attempt - 1)
            runtime.start_container(wanted, name, attempt)
        case StopContainer(uid=uid, name=name, attempt=attempt, force=force):
            runtime.stop_container(uid, name, attempt, force=force)
        case RunHook(uid=uid, name=name, attempt=attempt, kind=kind, hook=hook):
            runtime.run_hook(uid, name, attempt, kind, hook)
        case Terminate(uid=uid, names=names):
            runtime.terminate(uid, names)
        case Kill(uid=uid):
            runtime.kill(uid)
        case Remove(uid=uid):
            runtime.remove(uid)
        case _:
            assert_never(step)

"""The Pods' side of a round: statuses from what runs, and process steps done, several Pods at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from netlab.desired.restarts import Backoff
from netlab.desired.status import pod_status
from netlab.engine.look import Look
from netlab.engine.session import Session
from netlab.errors import NetlabError
from netlab.model.event import Event, event_of
from netlab.model.lifecycle import FINAL_PHASES
from netlab.model.pod import ContainerStatus, Pod, PodStatus
from netlab.netstate.process import Sandbox
from netlab.plan.processes import (
    Kill,
    ProcessPlan,
    ProcessStep,
    Remove,
    StartContainer,
    StartSandbox,
    StopContainer,
    Terminate,
    Wish,
)
from netlab.store.events import record
from netlab.store.store import Store


def wishes(store: Store, look: Look) -> Iterator[Wish]:
    """Yield every Pod that is bound to a Node, with the processes it is to have."""
    restarts = store.restarts()
    for pod in look.cluster.pods:
        if pod.key in look.formed:
            formed = look.formed[pod.key]
            wanted = formed if isinstance(formed, Sandbox) else None
            yield Wish(pod=pod, sandbox=wanted, backoffs=restarts.get(pod.metadata.uid, {}))


def report_statuses(store: Store, look: Look) -> tuple[Look, int]:
    """Store the status of every Pod as it is seen now, and forget Pods whose deletion is complete.

    Returns the look with the new statuses, and the number of Pods of which there was news.
    """
    restarts = store.restarts()
    gone = [pod for pod in look.cluster.pods if pod.metadata.deletion_timestamp and pod.metadata.uid not in look.seen]
    statuses = {pod.key: _status(look, pod, restarts.get(pod.metadata.uid, {})) for pod in look.cluster.pods if pod not in gone}
    changed = [pod for pod in look.cluster.pods if pod not in gone and statuses[pod.key] != pod.status]
    if changed or gone:
        with store.transaction():
            for pod in changed:
                store.put_status(pod, statuses[pod.key])
                for event in status_events(pod, statuses[pod.key]):
                    record(store, event, look.now)
            for pod in gone:
                store.delete(pod)
    cluster = look.cluster.without([pod.key for pod in gone])
    cluster = cluster.with_objects(replace(pod, status=statuses[pod.key]) for pod in changed)
    return replace(look, cluster=cluster), len(changed) + len(gone)


def _status(look: Look, pod: Pod, backoffs: Mapping[str, Backoff]) -> PodStatus:
    bound, formed = look.assignments.pods.get(pod.key), look.formed.get(pod.key)
    node = look.assignments.nodes.get(bound.node) if bound else None
    return pod_status(
        pod,
        bound,
        look.seen.get(pod.metadata.uid),
        backoffs,
        look.now,
        host_ip=node.ip if node else "",
        config_error=str(formed) if isinstance(formed, NetlabError) else "",
    )


def status_events(pod: Pod, later: PodStatus) -> Iterator[Event]:
    """Yield what the kubelet would say about the way from the Pod's status to the later one."""
    before = {item.name: item for item in pod.all_statuses}
    for item in replace(pod, status=later).all_statuses:
        earlier = before.get(item.name, ContainerStatus(name=item.name))
        fresh = (item.started_at, item.restart_count) != (earlier.started_at, earlier.restart_count)
        if item.state == "running" and (fresh or earlier.state != "running"):
            yield event_of(pod.key, "Normal", "Started", f"Started container {item.name}")
        elif item.reason == "CrashLoopBackOff" and earlier.reason != "CrashLoopBackOff":
            message = f"Back-off restarting failed container {item.name} in pod {pod.metadata.name}"
            yield event_of(pod.key, "Warning", "BackOff", message)
        elif _is_refused(item) and item.message != earlier.message:
            yield event_of(pod.key, "Warning", "Failed", f"Error: {item.message}")


def _is_refused(item: ContainerStatus) -> bool:
    """Tell whether a container could not be made or started; what it says at its own end is no news of ours."""
    return bool(item.message) and item.reason != "CrashLoopBackOff" and (item.state == "waiting" or item.reason == "StartError")


def act(session: Session, look: Look, plan: ProcessPlan) -> tuple[int, list[str]]:
    """Do the process steps; return how many were done, and a sentence for each Pod that could not be helped."""
    pods = {pod.metadata.uid: pod for pod in look.cluster.pods}
    for step in (step for steps in plan.steps.values() for step in steps):
        if isinstance(step, StartContainer) and step.backoff is not None:
            session.store.put_restart(step.sandbox.uid, step.name, step.backoff)
        elif isinstance(step, StopContainer) and not step.force:
            ending = pods[step.uid].metadata.deletion_timestamp or pods[step.uid].status.phase in FINAL_PHASES
            told = f"Stopping container {step.name}"
            message = told if ending else f"Container {step.name} definition changed, will be restarted"
            record(session.store, event_of(pods[step.uid].key, "Normal", "Killing", message), look.now)
    results = session.runtime.each(plan.steps, lambda step: _do(session, step))
    failed = {uid: error for uid, error in results.items() if error is not None}
    problems = []
    for uid, error in failed.items():
        pod = pods.get(uid)
        problems.append(f"pod {pod.metadata.namespace}/{pod.metadata.name}: {error}" if pod else str(error))
        if pod:
            event = event_of(pod.key, "Warning", "FailedCreatePodSandBox", str(error))
            record(session.store, event, look.now)
    return sum(len(steps) for uid, steps in plan.steps.items() if uid not in failed), problems


def _do(session: Session, step: ProcessStep) -> None:
    """Do one step; runs in a thread of the runtime."""
    runtime = session.runtime
    match step:
        case StartSandbox(sandbox=wanted):
            runtime.start_sandbox(wanted)
        case StartContainer(sandbox=wanted, name=name, attempt=attempt):
            if attempt > 0:
                runtime.remove_container(wanted.uid, name, attempt - 1)
            runtime.start_container(wanted, name, attempt)
        case StopContainer(uid=uid, name=name, attempt=attempt, force=force):
            runtime.stop_container(uid, name, attempt, force=force)
        case Terminate(uid=uid, names=names):
            runtime.terminate(uid, names)
        case Kill(uid=uid):
            runtime.kill(uid)
        case Remove(uid=uid):
            runtime.remove(uid)
        case _:
            assert_never(step)

"""The Pods' side of a round: statuses from what runs, and process steps done, several Pods at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from netlab.desired.assignments import Assignments
from netlab.desired.restarts import Backoff
from netlab.desired.sandboxes import sandbox
from netlab.desired.status import pod_status
from netlab.engine.session import Session
from netlab.errors import NetlabError
from netlab.model.lab import Cluster
from netlab.model.pod import ContainerStatus, Pod, PodStatus
from netlab.netstate.process import Sandbox, SandboxStatus
from netlab.plan.processes import (
    Kill,
    ProcessPlan,
    ProcessStep,
    Remove,
    StartContainer,
    StartSandbox,
    Terminate,
    Wish,
)
from netlab.store.events import Event, record
from netlab.store.store import Store


def wishes(store: Store, cluster: Cluster, assignments: Assignments) -> Iterator[Wish]:
    """Yield every Pod that is bound to a Node, with the processes it is to have."""
    restarts = store.restarts()
    for pod in cluster.pods:
        bound = assignments.pods.get(pod.key)
        if bound and bound.ips:
            wanted, _ = _sandbox(cluster, assignments, pod)
            yield Wish(pod=pod, sandbox=wanted, backoffs=restarts.get(pod.metadata.uid, {}))


def _sandbox(cluster: Cluster, assignments: Assignments, pod: Pod) -> tuple[Sandbox | None, str]:
    """The processes a Pod is to have, or None and the reason why they cannot be formed (a missing ConfigMap)."""
    try:
        return sandbox(cluster, assignments, pod), ""
    except NetlabError as error:
        return None, str(error)


def report_statuses(
    session: Session, cluster: Cluster, assignments: Assignments, seen: Mapping[str, SandboxStatus], now: float
) -> tuple[Cluster, int]:
    """Store the status of every Pod as it is seen now, forget Pods whose deletion is complete.

    Returns the cluster with the new statuses, and the number of Pods of which there was news.
    """
    store, restarts, changed, gone = session.store, session.store.restarts(), [], []
    for pod in cluster.pods:
        uid = pod.metadata.uid
        if pod.metadata.deletion_timestamp and uid not in seen:
            gone.append(pod)
            continue
        bound = assignments.pods.get(pod.key)
        _, error = _sandbox(cluster, assignments, pod) if bound and bound.ips else (None, "")
        node = assignments.nodes.get(bound.node) if bound else None
        backoffs: Mapping[str, Backoff] = restarts.get(uid, {})
        host_ip = node.ip if node else ""
        status = pod_status(pod, bound, seen.get(uid), backoffs, now, host_ip=host_ip, config_error=error)
        if status != pod.status:
            changed.append((pod, status))
    if changed or gone:
        with store.transaction():
            for pod, status in changed:
                store.put_status(pod, status)
                for event in status_events(pod, status):
                    record(store, event, now)
            for pod in gone:
                store.delete(pod)
    cluster = cluster.without([pod.key for pod in gone])
    return cluster.with_objects(replace(pod, status=status) for pod, status in changed), len(changed) + len(gone)


def status_events(pod: Pod, later: PodStatus) -> Iterator[Event]:
    """Yield what the kubelet would say about the way from the Pod's status to the later one."""
    before = {item.name: item for item in pod.status.container_statuses}
    for item in later.container_statuses:
        earlier = before.get(item.name, ContainerStatus(name=item.name))
        fresh = (item.started_at, item.restart_count) != (earlier.started_at, earlier.restart_count)
        if item.state == "running" and (fresh or earlier.state != "running"):
            yield Event(about=pod.key, type="Normal", reason="Started", message=f"Started container {item.name}")
        elif item.reason == "CrashLoopBackOff" and earlier.reason != "CrashLoopBackOff":
            message = f"Back-off restarting failed container {item.name} in pod {pod.metadata.name}"
            yield Event(about=pod.key, type="Warning", reason="BackOff", message=message)
        elif item.message and item.message != earlier.message and item.reason != "CrashLoopBackOff":
            yield Event(about=pod.key, type="Warning", reason="Failed", message=f"Error: {item.message}")


def act(session: Session, cluster: Cluster, plan: ProcessPlan, now: float) -> tuple[int, list[str]]:
    """Do the process steps; return how many were done, and a sentence for each Pod that could not be helped."""
    for steps in plan.steps.values():
        for step in steps:
            if isinstance(step, StartContainer) and step.backoff is not None:
                session.store.put_restart(step.sandbox.uid, step.name, step.backoff)
    names = {pod.metadata.uid: pod for pod in cluster.pods}
    results = session.runtime.each(plan.steps, lambda step: _do(session, step))
    problems = []
    for uid, error in results.items():
        pod = names.get(uid)
        if error is not None:
            problems.append(f"pod {pod.metadata.namespace}/{pod.metadata.name}: {error}" if pod else str(error))
            if pod:
                event = Event(about=pod.key, type="Warning", reason="FailedCreatePodSandBox", message=str(error))
                record(session.store, event, now)
    return sum(len(steps) for uid, steps in plan.steps.items() if results.get(uid) is None), problems


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
        case Terminate(uid=uid):
            runtime.terminate(uid)
        case Kill(uid=uid):
            runtime.kill(uid)
        case Remove(uid=uid):
            runtime.remove(uid)
        case _:
            assert_never(step)

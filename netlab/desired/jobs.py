"""Jobs become Pods that end: how many are to run, which have succeeded and failed, and when it is over. Level-triggered, pure.

A Pod is counted once, when it has ended; finished Pods stay to be looked at. After a failure the next Pod waits 10 s, 20 s,
40 s and so on, at most 10 minutes. What follows from a Job that is over stands in `job_ends`.
Source: Kubernetes docs, Job; pkg/controller/job: job_controller.go, backoff_utils.go, indexed_job_utils.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from netlab.desired.changes import Changes
from netlab.desired.indexes import free_indexes, index_of, indexed, short_indexes
from netlab.desired.job_ends import end_of, is_over, over
from netlab.desired.owning import by_controller, claim, is_active
from netlab.desired.replicasets import names_in, pod_events
from netlab.desired.templates import free_names, new_pod, scale_down_order
from netlab.model.event import Event, event_of
from netlab.model.job import Job, JobStatus
from netlab.model.lab import Cluster
from netlab.model.meta import Condition, LabelSelector
from netlab.model.pod import Pod
from netlab.model.times import epoch, rfc3339

FIRST_DELAY_S, LONGEST_DELAY_S = 10.0, 600.0
CONTROLLER_UID, JOB_NAME = "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"
OLD_CONTROLLER_UID, OLD_JOB_NAME = "controller-uid", "job-name"
OWN_LABELS = frozenset({CONTROLLER_UID, JOB_NAME, OLD_CONTROLLER_UID, OLD_JOB_NAME})


def jobs(cluster: Cluster, revision: int, now: float) -> Changes:
    """Return what is to be done so that every Job comes to its end."""
    changes = Changes()
    wished = [item for item in cluster.jobs if not item.metadata.deletion_timestamp]
    if not wished:
        return changes
    pods = by_controller(cluster.pods)
    for item in wished:
        if item.spec.selector is None:
            changes += Changes(put=(_labelled(item),))
            continue
        mine, changed = claim(item, pods.get(item.metadata.uid, ()), pods.get("", ()))
        taken = names_in(cluster, item.metadata.namespace)
        changes += Changes(put=tuple(changed)) + _converge(item, mine, taken, revision, now)
    return changes


def _labelled(item: Job) -> Job:
    """The Job with a selector that no other one has, as the API server completes it."""
    own = {CONTROLLER_UID: item.metadata.uid}
    labels = {
        **item.spec.template.metadata.labels, **own, OLD_CONTROLLER_UID: item.metadata.uid,
        JOB_NAME: item.metadata.name, OLD_JOB_NAME: item.metadata.name,
    }  # fmt: skip
    template = replace(item.spec.template, metadata=replace(item.spec.template.metadata, labels=labels))
    return replace(item, spec=replace(item.spec, selector=LabelSelector(match_labels=own), template=template))


def _converge(item: Job, mine: Sequence[Pod], taken: set[str], revision: int, now: float) -> Changes:
    if is_over(item):
        return over(item, mine, now)
    counted = _counted(item, mine, now)
    active = [pod for pod in mine if is_active(pod)]
    ended = end_of(counted, active, now)
    if ended is not None:
        return _report(item, ended.item, mine) + Changes(
            delete=tuple(pod.key for pod in active), events=(*ended.events, *pod_events(item.key, active, "Deleted"))
        )
    changes = _sized(counted, mine, taken, revision, now)
    status = replace(
        counted.status, active=len(active), ready=sum(pod.is_ready for pod in active), conditions=_suspended(counted, now)
    )
    told = _report(item, replace(counted, status=status), mine)
    return changes + told + Changes(events=_suspend_events(item, status))


def _report(item: Job, later: Job, mine: Sequence[Pod]) -> Changes:
    """Uids of Pods that are gone need not be remembered any more."""
    present = {pod.metadata.uid for pod in mine}
    counted = tuple(uid for uid in later.status.counted if uid in present)
    told = replace(later, status=replace(later.status, counted=counted))
    return Changes(reported=(told,)) if told.status != item.status else Changes()


def _counted(item: Job, mine: Sequence[Pod], now: float) -> Job:
    """The Job with what has ended since the last look in its counts."""
    status = item.status
    if not status.start_time and not item.spec.suspend:
        status = replace(status, start_time=rfc3339(now))
    fresh = [pod for pod in mine if pod.metadata.uid not in status.counted and not is_active(pod) and _has_ended(pod)]
    succeeded = [pod for pod in fresh if pod.status.phase == "Succeeded"]
    failed = [pod for pod in fresh if pod.status.phase == "Failed"]
    done = short_indexes(status.completed_indexes, succeeded) if item.spec.completion_mode == "Indexed" else ""
    indexes = len(indexed(done))
    found: JobStatus = replace(
        status,
        succeeded=indexes if item.spec.completion_mode == "Indexed" else status.succeeded + len(succeeded),
        failed=status.failed + len(failed),
        completed_indexes=done,
        last_failure_time=max([status.last_failure_time, *(_ended_at(pod, now) for pod in failed)]),
        counted=(*status.counted, *(pod.metadata.uid for pod in fresh)),
    )
    return replace(item, status=found)


def _has_ended(pod: Pod) -> bool:
    return pod.status.phase in {"Succeeded", "Failed"}


def _ended_at(pod: Pod, now: float) -> str:
    return max((status.finished_at for status in pod.status.container_statuses), default="") or rfc3339(now)


def _sized(item: Job, mine: Sequence[Pod], taken: set[str], revision: int, now: float) -> Changes:
    """Make the Pods that are missing, when their time has come, or delete those that are too many."""
    active = [pod for pod in mine if is_active(pod)]
    surplus = scale_down_order(active)[: max(0, len(active) - _wanted(item, len(active)))]
    if surplus:
        events = tuple(pod_events(item.key, surplus, "Deleted"))
        return Changes(delete=tuple(pod.key for pod in surplus), events=events)
    missing = _wanted(item, len(active)) - len(active)
    start_at = _next_start(item, mine)
    if missing <= 0 or start_at > now:
        moments = (start_at,) if missing > 0 else ()
        return Changes(moments=(*moments, *_deadline(item)))
    names = free_names(item, revision, mine, taken)
    if item.spec.completion_mode == "Indexed":
        free = free_indexes(item, active)[:missing]
        made = [indexed_pod(item, next(names), index) for index in free]
    else:
        made = [new_pod(item, next(names)) for _ in range(missing)]
    return Changes(put=tuple(made), events=tuple(pod_events(item.key, made, "Created")), moments=_deadline(item))


def _wanted(item: Job, active: int) -> int:
    spec, succeeded = item.spec, item.status.succeeded
    if spec.suspend:
        return 0
    if spec.completions is None:
        return active if succeeded else spec.parallelism
    return max(0, min(spec.parallelism, spec.completions - succeeded))


def _next_start(item: Job, mine: Sequence[Pod]) -> float:
    """When the next Pod may be made (seconds since the epoch): later with each failure since the last success."""
    last_success = max((_ended_at(pod, 0) for pod in mine if pod.status.phase == "Succeeded"), default="")
    failures = [pod for pod in mine if pod.status.phase == "Failed" and _ended_at(pod, 0) > last_success]
    if not failures or not item.status.last_failure_time:
        return 0.0
    delay = min(LONGEST_DELAY_S, FIRST_DELAY_S * 2.0 ** (len(failures) - 1))
    return epoch(item.status.last_failure_time) + delay


def _deadline(item: Job) -> tuple[float, ...]:
    allowed = item.spec.active_deadline_seconds
    return (epoch(item.status.start_time) + allowed,) if allowed and item.status.start_time else ()


def indexed_pod(item: Job, name: str, index: int) -> Pod:
    """Return the Pod of one index: it knows it by a variable, and has a host name of its own."""
    return index_of(new_pod(item, f"{item.metadata.name}-{index}-{name.rpartition('-')[2]}"), item.metadata.name, index)


def _suspended(item: Job, now: float) -> tuple[Condition, ...]:
    known = next((one for one in item.status.conditions if one.type == "Suspended"), None)
    others = tuple(one for one in item.status.conditions if one.type != "Suspended")
    if item.spec.suspend == (known is not None and known.status == "True"):
        return item.status.conditions
    word, reason, text = (
        ("True", "JobSuspended", "Job suspended") if item.spec.suspend else ("False", "JobResumed", "Job resumed")
    )
    changed = Condition(
        type="Suspended", status="True" if word == "True" else "False", last_transition_time=rfc3339(now), reason=reason,
        message=text,
    )  # fmt: skip
    return (*others, changed)


def _suspend_events(item: Job, later: JobStatus) -> tuple[Event, ...]:
    if later.conditions == item.status.conditions:
        return ()
    word, text = ("Suspended", "Job suspended") if item.spec.suspend else ("Resumed", "Job resumed")
    return (event_of(item.key, "Normal", word, text),)

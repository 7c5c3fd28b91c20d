"""When a Job is over, for better or worse, and what happens then. Pure.

    enough Pods succeeded           Complete, CompletionsReached
    more than backoffLimit failed   Failed, BackoffLimitExceeded; restarts of containers count as well
    activeDeadlineSeconds           Failed, DeadlineExceeded

Pods that still run are deleted then; those that have ended stay, until ttlSecondsAfterFinished deletes the Job with them.
Source: Kubernetes docs, Job (Pod backoff failure policy, Job termination and cleanup, TTL mechanism); job_controller.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from netlab.desired.changes import Changes
from netlab.desired.owning import is_active
from netlab.desired.replicasets import pod_events
from netlab.model.event import Event, event_of
from netlab.model.job import Job
from netlab.model.meta import Condition
from netlab.model.pod import Pod
from netlab.model.times import epoch, rfc3339

END_TYPES = frozenset({"Complete", "Failed"})


class Ended(NamedTuple):
    """The Job with the conditions of its end, and what is said about it."""

    item: Job
    events: tuple[Event, ...]


def is_over(item: Job) -> bool:
    """Tell whether a Job has come to its end."""
    return ended_at(item) is not None


def ended_at(item: Job) -> str | None:
    """Return when a Job came to its end (RFC 3339), or None if it has not."""
    ends = (one.last_transition_time for one in item.status.conditions if one.type in END_TYPES and one.status == "True")
    return next(ends, None)


def over(item: Job, mine: Sequence[Pod], now: float) -> Changes:
    """Return what is left to do for a Job that is over: end what still runs, and forget it when its time is over."""
    active = [pod for pod in mine if is_active(pod)]
    changes = Changes(delete=tuple(pod.key for pod in active), events=tuple(pod_events(item.key, active, "Deleted"))) + _counts(
        item, active
    )
    kept_s, end = item.spec.ttl_seconds_after_finished, ended_at(item)
    if kept_s is None or end is None:
        return changes
    moment = epoch(end) + kept_s
    return changes + (Changes(delete=(item.key,)) if moment <= now else Changes(moments=(moment,)))


def _counts(item: Job, active: Sequence[Pod]) -> Changes:
    status = replace(item.status, active=len(active), ready=sum(pod.is_ready for pod in active))
    return Changes(reported=(replace(item, status=status),)) if status != item.status else Changes()


def end_of(item: Job, active: Sequence[Pod], now: float) -> Ended | None:
    """Return the Job at its end, or None if it goes on. Its counts are up to date; `active` are its Pods at work."""
    spec, status = item.spec, item.status
    if status.failed > spec.backoff_limit or _restarted_too_often(item, active):
        return _failed(item, now, "BackoffLimitExceeded", "Job has reached the specified backoff limit")
    is_counting = bool(spec.active_deadline_seconds and status.start_time and not spec.suspend)
    if is_counting and now >= epoch(status.start_time) + (spec.active_deadline_seconds or 0):
        return _failed(item, now, "DeadlineExceeded", "Job was active longer than specified deadline")
    done = status.succeeded > 0 and not active if spec.completions is None else status.succeeded >= spec.completions
    return _complete(item, now) if done and not spec.suspend else None


def _restarted_too_often(item: Job, active: Sequence[Pod]) -> bool:
    if item.spec.template.spec.restart_policy != "OnFailure":
        return False
    restarts = sum(status.restart_count for pod in active for status in pod.all_statuses)
    return restarts > 0 if item.spec.backoff_limit == 0 else restarts >= item.spec.backoff_limit


def _failed(item: Job, now: float, reason: str, text: str) -> Ended:
    return Ended(
        _with_end(item, now, ("FailureTarget", "Failed"), (reason, text)), (event_of(item.key, "Warning", reason, text),)
    )


def _complete(item: Job, now: float) -> Ended:
    why = "CompletionsReached", "Reached expected number of succeeded pods"
    found = _with_end(item, now, ("SuccessCriteriaMet", "Complete"), why)
    found = replace(found, status=replace(found.status, completion_time=rfc3339(now)))
    return Ended(found, (event_of(item.key, "Normal", "Completed", "Job completed"),))


def _with_end(item: Job, now: float, types: Sequence[str], why: tuple[str, str]) -> Job:
    reason, text = why
    told = tuple(
        Condition(type=kind, status="True", last_transition_time=rfc3339(now), reason=reason, message=text) for kind in types
    )
    return replace(item, status=replace(item.status, active=0, ready=0, conditions=(*item.status.conditions, *told)))

"""The end of one container: its preStop hook, TERM, and KILL when its grace period is over. Pure.

The hook is part of the grace period. If it uses all of it up, TERM comes then, and two seconds more before KILL.
Source: Kubernetes docs, Container Lifecycle Hooks; kubelet killContainer (minimumGracePeriodInSeconds).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypeAlias

from netlab.desired.probing import Place, hook_of
from netlab.frozen import dataclass
from netlab.model.pod import Pod
from netlab.netstate.hooks import Hook, HookKind
from netlab.netstate.process import ContainerRun

LEAST_S = 2.0
FAILED_POST_START = "FailedPostStartHook"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopContainer:
    """Send TERM to one container whose wish has changed or that is unwell, or to a sidecar.

    With `force` KILL: its grace period is over. `why` is the sentence for its Event, if it is not the usual one; `told`: that
    was said before. `failed_hook` is the hook that has just failed.
    """

    uid: str
    name: str
    attempt: int
    force: bool = False
    why: str = ""
    told: bool = False
    failed_hook: Literal["", "PostStart", "PreStop"] = ""

    def __str__(self) -> str:
        return f"send {'KILL' if self.force else 'TERM'} to container {self.name} of {self.uid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHook:
    """Begin a hook of one container, unless it was begun before; a preStop is the beginning of the end.

    Without `hook` it cannot be done, and has failed.
    """

    uid: str
    name: str
    attempt: int
    kind: HookKind
    hook: Hook | None
    why: str = ""
    failed_hook: Literal["", "PostStart"] = ""

    def __str__(self) -> str:
        return f"run {self.kind} of container {self.name} of {self.uid}"


Ending: TypeAlias = tuple[StopContainer | RunHook | None, float | None]
"""The next step of an end, and the moment (seconds since the epoch) at which there is another one to do."""


def stop(
    pod: Pod, place: Place | None, run: ContainerRun, now: float, *, until: float | None = None, grace_s: float | None = None
) -> Ending:
    """Return what is to be done now to end a container that runs.

    Args:
        pod: its Pod.
        place: from where the Pod is asked; without one a hook over HTTP is left out.
        run: the run to end.
        now: seconds since the epoch.
        until: when the grace period is over; by default `grace_s` (by default the Pod's) after it began.
        grace_s: a grace period of its own.
    """
    failed: Literal["", "PostStart"] = "PostStart" if run.post_start == "failed" else ""
    if not run.stopping_at:
        return _begin(pod, place, run, failed), None
    step = StopContainer(uid=pod.metadata.uid, name=run.name, attempt=run.attempt)
    wanted = pod.spec.termination_grace_period_seconds if grace_s is None else grace_s
    end = run.stopping_at + wanted if until is None else until
    if run.pre_stop and not run.term_at:
        if run.pre_stop == "running" and now < end:
            return None, end
        return replace(step, told=True, failed_hook="PreStop" if run.pre_stop == "failed" else ""), None
    if run.pre_stop:
        end = max(end, run.term_at + LEAST_S)
    return (replace(step, force=True), None) if now >= end else (None, end)


def _begin(pod: Pod, place: Place | None, run: ContainerRun, failed: Literal["", "PostStart"]) -> StopContainer | RunHook:
    """The first step of an end: the preStop hook, or TERM if there is none."""
    uid, why = pod.metadata.uid, FAILED_POST_START if failed else ""
    container = next((one for one in pod.spec.all_containers if one.name == run.name), None)
    handler = container.lifecycle.pre_stop if container and container.lifecycle else None
    if container is None or handler is None:
        return StopContainer(uid=uid, name=run.name, attempt=run.attempt, why=why, failed_hook=failed)
    hook = hook_of(uid, container, run.attempt, handler, place, kind="preStop")
    return RunHook(uid=uid, name=run.name, attempt=run.attempt, kind="preStop", hook=hook, why=why, failed_hook=failed)


def post_start(pod: Pod, place: Place | None, name: str, attempt: int) -> RunHook | None:
    """Return the step that begins the postStart hook of an attempt, None if it has none."""
    container = next(one for one in pod.spec.all_containers if one.name == name)
    handler = container.lifecycle.post_start if container.lifecycle else None
    if handler is None:
        return None
    hook = hook_of(pod.metadata.uid, container, attempt, handler, place, kind="postStart")
    return RunHook(uid=pod.metadata.uid, name=name, attempt=attempt, kind="postStart", hook=hook)

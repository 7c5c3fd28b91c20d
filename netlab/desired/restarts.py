"""When a container that ended is started again: at once, later, or never. Pure; time is an argument.

The first restart comes at once; each further one waits after the end of the run before it: 10, 20, 40 ... at most 300 s.
A run of ten minutes or more clears the record: the restart after it comes at once again.
Source: Kubernetes docs, pod-lifecycle (container restarts); kubelet doBackOff and client-go's Backoff, whose clock also starts
at the end of the last run. Which containers a Pod has, and whether it is being deleted, is the caller's business.

How the caller uses it, so that a crash at any moment neither loses nor doubles a restart: store the decision's `backoff`
first, then start the run with `attempt = backoff.restarts`. If it dies in between, the next decision is RestartNow again.
A start that fails must be seen afterwards as a run with that attempt and state `failed`, or it would be tried without pause.
"""

from __future__ import annotations

from dataclasses import replace

from netlab.frozen import dataclass
from netlab.model.pod import RestartPolicy
from netlab.netstate.process import ContainerRun

FIRST_DELAY_S = 10.0
MAX_DELAY_S = 300.0
RESET_AFTER_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """What is remembered of one container's restarts; plain numbers, for the store.

    `restarts` counts those granted so far, `delay_s` is what the next end of a run has to wait (0: restart at once), `until`
    is the moment (seconds since the epoch) the present wait ends, 0 while there is none.
    """

    restarts: int = 0
    delay_s: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartNow:
    """Start the container now, as attempt `backoff.restarts`; store `backoff` before."""

    backoff: Backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Back-off: ask again at `until` (seconds since the epoch), which `backoff` also remembers."""

    until: float
    backoff: Backoff


@dataclass(frozen=True, slots=True, kw_only=True)
class Never:
    """No restart: the container is not over, or its restartPolicy leaves it as it ended."""


Decision = RestartNow | Wait | Never


def decide_restart(policy: RestartPolicy, run: ContainerRun, backoff: Backoff, now: float) -> Decision:
    """Return what is to happen with a container whose newest run is `run`.

    Args:
        policy: `spec.restartPolicy`; a container that could not be started counts as failed.
        run: the newest run; `created` and `running` need no restart.
        backoff: what the earlier decision returned, or `Backoff()`.
        now: seconds since the epoch.
    """
    if not needs_restart(policy, run):
        return Never()
    if backoff.restarts == run.attempt + 1:
        return RestartNow(backoff=backoff)  # granted already, but the one who was to do it died before
    delay_s = 0.0 if _ran_long(run) else backoff.delay_s
    until = _end_of_wait(run, backoff, delay_s, now)
    if now < until:
        return Wait(until=until, backoff=replace(backoff, until=until))
    return RestartNow(backoff=Backoff(restarts=max(backoff.restarts, run.attempt) + 1, delay_s=next_delay(delay_s)))


def needs_restart(policy: RestartPolicy, run: ContainerRun) -> bool:
    """Tell whether `policy` wants this run to be followed by another one."""
    over = run.state in {"exited", "failed"}
    normal = run.state == "exited" and run.exit_code == 0
    return over and (policy == "Always" or (policy == "OnFailure" and not normal))


def next_delay(delay_s: float) -> float:
    """Return the back-off after `delay_s`, in seconds: 10 after none, then twice as long, at most 300."""
    return min(max(FIRST_DELAY_S, 2 * delay_s), MAX_DELAY_S)


def _ran_long(run: ContainerRun) -> bool:
    return run.state == "exited" and run.started_at > 0 and run.finished_at - run.started_at >= RESET_AFTER_S


def _end_of_wait(run: ContainerRun, backoff: Backoff, delay_s: float, now: float) -> float:
    """The moment before which there is no restart. A run without times (it never started) waits from the first look on."""
    if not delay_s:
        return 0.0
    return backoff.until or (max(run.finished_at, run.started_at) or now) + delay_s

"""The agent: one process per lab for what must happen later.

It reconciles when a container ends, when it is woken (by a command, a probe that found a change, a disk that is too full), when
a back-off or a grace period is over, and from time to time to repair what somebody changed by hand.

Pods and traffic never depend on its being alive: the next command does the same work and starts it again. It works under the
lab's lock like any command, and ends when the lab is gone. One line is printed (to agent.log) for each change it made.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple

from netlab.agent.health_ports import HealthPorts
from netlab.agent.prober import Prober
from netlab.agent.surveyor import Surveyor
from netlab.engine.agent import wake_agent
from netlab.engine.conntrack import watch_conntrack
from netlab.engine.containers import new_runtime
from netlab.engine.reconcile import reconcile
from netlab.engine.report import Report
from netlab.engine.session import Clock, Memory, Session, session
from netlab.errors import NetlabError, NotFound
from netlab.kernel.health_servers import HealthServers
from netlab.kernel.inotify import Watch
from netlab.model.event import Event
from netlab.store.events import record
from netlab.store.paths import LabPaths

REPAIR_S, LONGEST_REPAIR_S = 10.0, 60.0
IDLE_SHARE = 0.005  # of a processor, at most, for looking whether somebody changed something by hand
RETRY_S = 5.0


class Threads(NamedTuple):
    """What works beside the loop, each part in a thread of its own, by the report of the newest reconciliation."""

    prober: Prober
    surveyor: Surveyor
    health_ports: HealthPorts


def run(paths: LabPaths, clock: Clock = time.time, say: Callable[[str], None] = print) -> None:
    """Keep the lab as it is wished until it is gone."""
    runtime = new_runtime(paths)
    wake = functools.partial(wake_agent, paths)
    threads = Threads(
        Prober(runtime, clock, wake, say), Surveyor(runtime, wake, say), HealthPorts(HealthServers, clock, wake, say)
    )
    opened = functools.partial(session, paths, clock=clock, memory=Memory(paths))
    with Watch([paths.exits, paths.wake]) as watch:
        while True:
            try:
                timeout_s = _once(opened, clock, say, threads)
            except NotFound:
                return
            watch.wait(timeout_s)


def _once(
    opened: Callable[[], AbstractContextManager[Session]],
    clock: Clock,
    say: Callable[[str], None],
    threads: Threads,
) -> float:
    """Reconcile once; return after how many seconds to look again at the latest."""
    threads.health_ports.look_begins()
    try:
        with opened() as lab:
            if news := (*threads.prober.news(), *threads.health_ports.news()):
                _record(lab, news)
            report = reconcile(lab)
            watch_conntrack(lab)
    except NotFound:
        raise
    except NetlabError as error:
        say(f"error: {error}")
        return RETRY_S
    threads.prober.watch(report.patients)
    threads.surveyor.watch(report.limited)
    threads.health_ports.look_ended(report.health_checks)
    if report.changes:
        say(f"changes={report.changes} rounds={report.rounds}")
    for problem in report.problems:
        say(f"problem: {problem}")
    return next_look(report, clock())


def _record(lab: Session, news: Iterable[tuple[Event, float]]) -> None:
    """Keep what the threads found; Events of Pods that are gone by now are Events all the same."""
    with lab.store.transaction():
        for event, moment in news:
            record(lab.store, event, moment)


def next_look(report: Report, now: float) -> float:
    """Return the seconds until something is due, or until it is time for repairs: the later, the longer a look takes."""
    took_s = sum(report.timings.values())
    repair_s = min(max(REPAIR_S, took_s / IDLE_SHARE), LONGEST_REPAIR_S)
    return repair_s if report.wake_at is None else min(repair_s, max(0.0, report.wake_at - now))

"""Whose probe is due, and what follows from the answers: the bookkeeping of the prober. Pure; time is an argument.

A probe is asked `initialDelaySeconds` after its container started, then every `periodSeconds`, never twice at a time; one
that was held back by the startup probe is asked as soon as that succeeds. Histories live here alone: a new agent counts anew,
from the verdicts of the old one, which stand in `Health`. It asks the containers that it finds running spread over a period.
Source: kubelet prober/worker.go (run, doProbe), prober.go (the words of Events).
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from netlab.desired.probing import History, Kind, Patient, asked, counted, health_after, verdict
from netlab.model.event import Event, event_of
from netlab.netstate.health import Check, Health, Outcome


class Turn(NamedTuple):
    """One probe of one run of a container."""

    uid: str
    container: str
    attempt: int
    kind: Kind


class Question(NamedTuple):
    """What is to be asked now, and how many seconds there are for the answer; `check` may be why it cannot be asked."""

    turn: Turn
    check: Check | str
    timeout_s: float


@dataclass(slots=True)
class Case:
    """A patient and what is known of it by now. `planned` are the probes that wait for their turn or for their answer."""

    patient: Patient
    health: Health
    histories: dict[Kind, History] = field(default_factory=dict)
    planned: dict[Kind, float] = field(default_factory=dict)


class Rounds:
    """All patients of a lab.

    Args:
        since: when this agent began (seconds since the epoch).
        fraction: returns a number from 0 to 1, another one each time.
    """

    def __init__(self, since: float, fraction: Callable[[], float] = random.random) -> None:
        self._since, self._fraction = since, fraction
        self._cases: dict[tuple[str, str, int], Case] = {}
        self._heap: list[tuple[float, int, Turn]] = []
        self._numbers = itertools.count()

    def take(self, patients: Iterable[Patient], now: float) -> None:
        """Know exactly these patients from now on. Of one known before, the health known here is the newer one."""
        known, self._cases = self._cases, {}
        for patient in patients:
            key = (patient.uid, patient.container, patient.attempt)
            case = known.get(key) or Case(patient, patient.health)
            case.patient = patient
            self._cases[key] = case
            self._plan(case, now)

    @property
    def next_at(self) -> float | None:
        """The moment at which the next probe is due, None if none is."""
        return self._heap[0][0] if self._heap else None

    def due(self, now: float) -> Iterator[Question]:
        """Yield what is to be asked now; each question wants its answer before it is asked again."""
        while self._heap and self._heap[0][0] <= now:
            moment, _, turn = heapq.heappop(self._heap)
            case = self._cases.get(turn[:3])
            if case is None or case.planned.get(turn.kind) != moment:
                continue
            if turn.kind in asked(case.patient.probes, case.health, deleting=case.patient.deleting):
                yield Question(turn, case.patient.checks[turn.kind], case.patient.probes[turn.kind].timeout_seconds)
            else:
                case.planned.pop(turn.kind, None)

    def answered(self, turn: Turn, outcome: Outcome, now: float) -> tuple[Health | None, Event | None]:
        """Return the health of the container if it has changed, and what there is to be said of the answer."""
        case = self._cases.get(turn[:3])
        if case is None or turn.kind not in case.planned:  # gone, or gone and back as one who is to be asked other things
            return None, None
        before, probe = case.health, case.patient.probes[turn.kind]
        if outcome.success is not None:
            case.histories[turn.kind] = counted(case.histories.get(turn.kind, History()), outcome.success)
            found = verdict(probe, case.histories[turn.kind])
            if found is not None:
                case.health = health_after(turn.kind, case.health, found, now)
        self._again(case, turn, max(case.planned[turn.kind] + probe.period_seconds, now))
        self._plan(case, now)
        return (case.health if case.health != before else None), _event(case.patient, turn.kind, outcome)

    def _plan(self, case: Case, now: float) -> None:
        """Give a turn to every probe that is to be asked and has none."""
        for kind in asked(case.patient.probes, case.health, deleting=case.patient.deleting):
            if kind not in case.planned:
                patient, probe = case.patient, case.patient.probes[kind]
                moment = max(now, patient.started_at + probe.initial_delay_seconds)
                if patient.started_at < self._since and now - self._since < probe.period_seconds:
                    moment += self._fraction() * probe.period_seconds
                self._again(case, Turn(patient.uid, patient.container, patient.attempt, kind), moment)

    def _again(self, case: Case, turn: Turn, moment: float) -> None:
        case.planned[turn.kind] = moment
        heapq.heappush(self._heap, (moment, next(self._numbers), turn))


def _event(patient: Patient, kind: Kind, outcome: Outcome) -> Event | None:
    if outcome.success:
        return None
    found = "failed" if outcome.success is False else "errored and resulted in unknown state"
    return event_of(patient.about, "Warning", "Unhealthy", f"{kind.capitalize()} probe {found}: {outcome.text}")

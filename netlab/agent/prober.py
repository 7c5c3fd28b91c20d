"""The prober: one thread of the agent that asks all probes of the lab, outside the lab's lock.

    patients --> Rounds (whose turn) --> Checker (sockets, commands) --> Rounds (what it means) --> health, Events

Of all answers only a change of health leaves the thread: it is written down beside the container and the agent is woken, whose
reconciliation makes statuses, endpoints, rules and restarts of it. Events wait for the agent's next session with the store; one
that was not seen before wakes it, the same again does not.
The thread begins with the first patient: a lab without probes has none.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from netlab.agent.rounds import Rounds, Turn
from netlab.desired.probing import Patient
from netlab.engine.session import Clock
from netlab.errors import NetlabError
from netlab.model.event import Event
from netlab.model.meta import Key
from netlab.netstate.health import Health, Outcome

if TYPE_CHECKING:
    from netlab.kernel.checks import Checker

EVENTS_MAX = 1000  # that wait for a session; a lab whose lock is held for long loses the oldest


class Clinic(Protocol):
    """What the prober needs of the container runtime."""

    def checker(self) -> Checker[Turn]:
        """Return what asks."""
        ...

    def note_health(self, uid: str, name: str, attempt: int, health: Health) -> None:
        """Write down what was found."""
        ...


class Prober:
    """Asks the probes of the patients that it is given.

    Args:
        runtime: the lab's.
        clock: seconds since the epoch.
        wake: makes the agent look at the lab; called from the prober's thread.
        say: takes a line for the agent's log.
    """

    def __init__(self, runtime: Clinic, clock: Clock, wake: Callable[[], None], say: Callable[[str], None]) -> None:
        self._runtime, self._clock, self._wake, self._say = runtime, clock, wake, say
        self._rounds = Rounds(clock())
        self._guard = threading.Lock()
        self._patients: tuple[Patient, ...] | None = None
        self._events: list[tuple[Event, float]] = []
        self._told: set[tuple[Key, str]] = set()
        self._checker: Checker[Turn] | None = None

    def watch(self, patients: Iterable[Patient]) -> None:
        """Ask these patients, and nobody else, from now on."""
        wanted = tuple(patients)
        if not wanted and self._checker is None:
            return
        with self._guard:
            self._patients = wanted
        if self._checker is None:
            self._checker = self._runtime.checker()
            threading.Thread(target=self._run, args=(self._checker,), name="prober", daemon=True).start()
        else:
            self._checker.wake()

    def news(self) -> list[tuple[Event, float]]:
        """Return what happened since the last call, and when."""
        with self._guard:
            found, self._events = self._events, []
        return found

    def _run(self, checker: Checker[Turn]) -> None:
        while True:
            self.turn(checker)

    def turn(self, checker: Checker[Turn]) -> None:
        """Ask what is due, and take the answers that there are."""
        with self._guard:
            patients, self._patients = self._patients, None
        if patients is not None:
            self._rounds.take(patients, self._clock())
        for question in self._rounds.due(self._clock()):
            if isinstance(question.check, str):
                self._take(question.turn, Outcome(success=None, text=question.check))
            else:
                checker.submit(question.turn, question.check, question.timeout_s)
        next_at = self._rounds.next_at
        for ticket, outcome in checker.wait(None if next_at is None else max(0.0, next_at - self._clock())):
            self._take(ticket, outcome)

    def _take(self, turn: Turn, outcome: Outcome) -> None:
        health, event = self._rounds.answered(turn, outcome, self._clock())
        if health is not None:
            try:
                self._runtime.note_health(turn.uid, turn.container, turn.attempt, health)
            except NetlabError as error:
                self._say(f"error: {error}")
        if self._tells(event) or health is not None:
            self._wake()

    def _tells(self, event: Event | None) -> bool:
        """Keep an Event for the next session; tell whether it is worth a session of its own."""
        if event is None:
            return False
        with self._guard:
            self._events = [*self._events[1 - EVENTS_MAX :], (event, self._clock())]
        news = (event.about, event.message)
        if news in self._told:
            return False
        self._told = {news} if len(self._told) >= EVENTS_MAX else self._told | {news}
        return True

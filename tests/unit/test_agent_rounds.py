"""The prober's bookkeeping on a clock of the test's own: whose probe is due, and what follows from the answers."""

from __future__ import annotations

import pytest

from netlab.agent.prober import Prober
from netlab.agent.rounds import Rounds, Turn
from netlab.desired.probing import Patient
from netlab.model.meta import Key
from netlab.model.probe import Probe
from netlab.netstate.health import Health, Outcome, TcpCheck
from netlab.netstate.names import NetnsName

BEGAN = 1000.0
CHECK = TcpCheck(netns=NetnsName("lab.node-1"), host="10.244.1.2", port=80)
GOOD, BAD = Outcome(success=True), Outcome(success=False, text="no")


def a_patient(*kinds, health=None, started=BEGAN, deleting=False, attempt=0, **probe) -> Patient:
    return Patient(
        about=Key("Pod", "default", "web"), uid="u", container="c", attempt=attempt, started_at=started,
        health=health or Health(), probes=dict.fromkeys(kinds, Probe(**probe)), checks=dict.fromkeys(kinds, CHECK), deleting=deleting,
    )  # fmt: skip


class Bench:
    """Rounds with every answer given at once; `asked` has (seconds since the begin, kind)."""

    def __init__(self, *patients, fraction=0.0, since=BEGAN):
        self.rounds = Rounds(since, lambda: fraction)
        self.rounds.take(patients, BEGAN)
        self.health: list[Health] = []
        self.said: list[str] = []

    def until(self, seconds, answer=lambda kind, now: GOOD):
        asked = []
        while (now := self.rounds.next_at) is not None and now <= BEGAN + seconds:
            for turn, _, _ in list(self.rounds.due(now)):
                asked.append((now - BEGAN, turn.kind))
                health, event = self.rounds.answered(turn, answer(turn.kind, now - BEGAN), now)
                self.health += [health] if health else []
                self.said += [event.message] if event else []
        return asked


@pytest.mark.parametrize(
    ("patient", "expected"),
    [
        pytest.param(a_patient("readiness"), [0, 10, 20], id="at once, then every ten seconds"),
        pytest.param(a_patient("readiness", period_seconds=8, initial_delay_seconds=5), [5, 13, 21], id="after a delay"),
        pytest.param(a_patient("liveness", health=Health(failed="liveness")), [], id="it failed before this agent began"),
        pytest.param(a_patient("liveness", deleting=True), [], id="its Pod is being deleted"),
        pytest.param(a_patient("readiness", deleting=True), [0, 10, 20], id="readiness is asked until the end"),
    ],
)
def test_when_a_probe_is_asked(patient, expected):
    assert [moment for moment, _ in Bench(patient).until(22)] == expected


def test_an_agent_that_finds_containers_running_spreads_its_first_questions():
    assert Bench(a_patient("readiness", started=BEGAN - 100), fraction=0.3).until(14) == [(3, "readiness"), (13, "readiness")]


def test_startup_first_and_the_others_at_once_when_it_succeeds():
    bench = Bench(a_patient("startup", "liveness", "readiness"))
    asked = bench.until(25, lambda kind, now: GOOD if kind != "startup" or now >= 10 else BAD)
    assert asked == [
        (0, "startup"), (10, "startup"), (10, "liveness"), (10, "readiness"), (20, "liveness"), (20, "readiness")
    ]  # fmt: skip
    assert bench.health == [Health(started=True, since=BEGAN + 10), Health(started=True, ready=True, since=BEGAN + 10)]
    assert bench.said == ["Startup probe failed: no"]


def test_liveness_that_fails_is_asked_no_more_until_there_is_another_run():
    bench = Bench(a_patient("liveness", failure_threshold=2))
    assert len(bench.until(100, lambda *_: BAD)) == 2
    assert bench.health == [Health(failed="liveness")]
    bench.rounds.take([a_patient("liveness", attempt=1, started=BEGAN + 100)], BEGAN + 100)
    assert bench.until(105) == [(100, "liveness")]


def test_what_could_not_be_asked_counts_for_nothing():
    bench = Bench(a_patient("readiness", failure_threshold=1, health=Health(ready=True)))
    bench.until(15, lambda *_: Outcome(success=None, text="no such port"))
    assert bench.health == []
    assert bench.said == ["Readiness probe errored and resulted in unknown state: no such port"] * 2


def test_a_slow_answer_puts_off_the_next_question():
    rounds = Rounds(BEGAN)
    rounds.take([a_patient("readiness")], BEGAN)
    (question,) = rounds.due(BEGAN)
    assert list(rounds.due(BEGAN + 15)) == []
    rounds.answered(question.turn, GOOD, BEGAN + 15)
    assert rounds.next_at == BEGAN + 15


def test_an_answer_about_a_run_that_is_gone_is_no_news():
    rounds = Rounds(BEGAN)
    rounds.take([], BEGAN)
    assert rounds.answered(Turn("u", "c", 0, "readiness"), BAD, BEGAN) == (None, None)


@pytest.mark.parametrize("kind", ["liveness", "readiness"])
def test_an_answer_may_come_when_its_run_was_away_and_is_back(kind):
    """It is about to be replaced, and then its Pod is deleted."""
    bench = Bench(a_patient(kind))
    (question,) = bench.rounds.due(BEGAN)
    bench.rounds.take([], BEGAN + 1)
    bench.rounds.take([a_patient(kind, deleting=True)], BEGAN + 2)
    bench.rounds.answered(question.turn, GOOD, BEGAN + 3)
    assert bench.until(30) == [(moment, kind) for moment in (12, 22) if kind == "readiness"], "once at a time"


class Asker:
    """A Checker that answers everything at once."""

    def __init__(self, *outcomes):
        self.outcomes, self.waiting, self.asked = list(outcomes), [], []

    def submit(self, ticket, check, timeout_s):
        self.asked.append((check, timeout_s))
        self.waiting.append((ticket, self.outcomes.pop(0)))

    def wait(self, _):
        found, self.waiting = self.waiting, []
        return found


class Clinic:
    """A runtime that keeps what is noted."""

    def __init__(self):
        self.noted = []

    def note_health(self, *facts):
        self.noted.append(facts)


def test_only_changes_are_written_down_and_only_news_wakes_the_agent():
    time, woken, clinic = [BEGAN], [], Clinic()
    prober = Prober(clinic, lambda: time[0], lambda: woken.append(time[0] - BEGAN), print)
    asker = Asker(BAD, BAD, GOOD, GOOD)
    prober._checker = asker
    asker.wake = lambda: None
    prober.watch([a_patient("readiness")])
    for moment in (0, 10, 20, 30):
        time[0] = BEGAN + moment
        prober.turn(asker)
    assert asker.asked == [(CHECK, 1)] * 4
    assert clinic.noted == [("u", "c", 0, Health(ready=True, since=BEGAN + 20))]
    assert woken == [0, 20]  # the same Event again is told when the agent looks anyway
    assert [(event.message, moment - BEGAN) for event, moment in prober.news()] == [
        ("Readiness probe failed: no", 0), ("Readiness probe failed: no", 10)
    ]  # fmt: skip
    assert prober.news() == []

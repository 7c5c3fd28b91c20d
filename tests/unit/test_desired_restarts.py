"""Restarts and back-off: whether, when, and what is remembered."""

from dataclasses import asdict

import pytest

from netlab.desired.restarts import Backoff, Never, RestartNow, Wait, decide_restart, needs_restart, next_delay
from netlab.netstate.process import ContainerRun


def run(state="exited", code=1, attempt=0, started=1000.0, finished=1001.0):
    return ContainerRun(name="c", attempt=attempt, state=state, exit_code=code, started_at=started, finished_at=finished)


@pytest.mark.parametrize(
    ("policy", "the_run", "wanted"),
    [
        pytest.param("Always", run(code=0), True, id="Always after success"),
        pytest.param("Always", run(code=1), True, id="Always after failure"),
        pytest.param("OnFailure", run(code=0), False, id="OnFailure leaves success"),
        pytest.param("OnFailure", run(code=1), True, id="OnFailure after failure"),
        pytest.param("OnFailure", run(code=None), True, id="OnFailure when the exit code is lost"),
        pytest.param("OnFailure", run("failed", None), True, id="OnFailure when it could not be started"),
        pytest.param("Never", run(code=1), False, id="Never after failure"),
        pytest.param("Never", run("failed", None), False, id="Never when it could not be started"),
        pytest.param("Always", run("running", None), False, id="runs"),
        pytest.param("Always", run("created", None), False, id="is being created"),
    ],
)
def test_policy(policy, the_run, wanted):
    assert needs_restart(policy, the_run) is wanted
    assert isinstance(decide_restart(policy, the_run, Backoff(), 1001.0), RestartNow if wanted else Never)


@pytest.mark.parametrize(
    ("attempt", "backoff", "now", "decision"),
    [
        pytest.param(0, Backoff(), 1001, RestartNow(backoff=Backoff(restarts=1, delay_s=10)), id="the first at once"),
        pytest.param(
            1,
            Backoff(restarts=1, delay_s=10),
            1001,
            Wait(until=1011, backoff=Backoff(restarts=1, delay_s=10, until=1011)),
            id="the second waits 10 s from the end of the run",
        ),
        pytest.param(
            1,
            Backoff(restarts=1, delay_s=10, until=1011),
            1010.9,
            Wait(until=1011, backoff=Backoff(restarts=1, delay_s=10, until=1011)),
            id="waiting does not move the end of the wait",
        ),
        pytest.param(
            1,
            Backoff(restarts=1, delay_s=10, until=1011),
            1011,
            RestartNow(backoff=Backoff(restarts=2, delay_s=20)),
            id="then restarts, and the next waits 20 s",
        ),
        pytest.param(
            9,
            Backoff(restarts=9, delay_s=300, until=1301),
            1400,
            RestartNow(backoff=Backoff(restarts=10, delay_s=300)),
            id="at most 300 s",
        ),
        pytest.param(
            1,
            Backoff(restarts=2, delay_s=20),
            1001,
            RestartNow(backoff=Backoff(restarts=2, delay_s=20)),
            id="a restart that was granted before a crash is granted again, not counted twice",
        ),
        pytest.param(
            7,
            Backoff(),
            1001,
            RestartNow(backoff=Backoff(restarts=8, delay_s=10)),
            id="a lost record starts afresh, the count stays",
        ),
    ],
)
def test_backoff(attempt, backoff, now, decision):
    assert decide_restart("Always", run(attempt=attempt), backoff, now) == decision


@pytest.mark.parametrize(("lasted", "decision"), [(599.0, Wait), (600.0, RestartNow)])
def test_ten_minutes_of_running_clear_the_record(lasted, decision):
    the_run = run(attempt=5, finished=1000 + lasted)
    found = decide_restart("Always", the_run, Backoff(restarts=5, delay_s=160), 1000 + lasted)
    assert isinstance(found, decision)
    if isinstance(found, RestartNow):
        assert found.backoff == Backoff(restarts=6, delay_s=10)


def test_a_run_without_times_waits_from_the_first_look_on():
    the_run = run("failed", None, attempt=1, started=0.0, finished=0.0)
    first = decide_restart("Always", the_run, Backoff(restarts=1, delay_s=10), 5000)
    assert first == Wait(until=5010, backoff=Backoff(restarts=1, delay_s=10, until=5010))
    assert isinstance(decide_restart("Always", the_run, first.backoff, 5010), RestartNow)


def test_delays_are_those_of_kubernetes():
    delays = [0.0]
    while len(delays) < 8:
        delays.append(next_delay(delays[-1]))
    assert delays == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_crash_loop_restarts_at_these_seconds():
    backoff, attempt, now, restarts = Backoff(), 0, 0.0, []
    while attempt < 6:
        crashed = run(attempt=attempt, started=now, finished=now + 1)
        decision = decide_restart("Always", crashed, backoff, now + 1)
        if isinstance(decision, Wait):
            decision = decide_restart("Always", crashed, decision.backoff, decision.until)
        assert isinstance(decision, RestartNow)
        now = max(now + 1, crashed.finished_at + backoff.delay_s)
        backoff, attempt = decision.backoff, decision.backoff.restarts
        restarts.append(now)
    assert restarts == [1, 12, 33, 74, 155, 316]


def test_backoff_is_plain_numbers():
    backoff = Backoff(restarts=2, delay_s=20.0, until=1011.5)
    assert Backoff(**asdict(backoff)) == backoff

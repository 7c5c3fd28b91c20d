"""When the agent looks again, and that it ends with its lab."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager

import pytest

from netlab.agent import loop
from netlab.engine.report import Report
from netlab.errors import KernelError, NotFound
from netlab.store import paths as store_paths
from netlab.store.paths import LabPaths

NOW = 1000.0


@pytest.mark.parametrize(
    ("wake_at", "took_s", "expected"),
    [
        pytest.param(None, 0.01, 10, id="nothing is due: only repair"),
        pytest.param(NOW + 3, 0.01, 3, id="a back-off ends in three seconds"),
        pytest.param(NOW - 3, 0.01, 0, id="it is over already"),
        pytest.param(NOW + 300, 0.01, 10, id="far away: repair comes first"),
        pytest.param(None, 0.15, 30, id="a look that takes long comes seldom"),
        pytest.param(None, 9.0, 60, id="but it comes"),
        pytest.param(NOW + 20, 0.15, 20, id="what is due comes first"),
    ],
)
def test_next_look(wake_at, took_s, expected):
    assert loop.next_look(Report(wake_at=wake_at, timings={"a": took_s / 2, "b": took_s / 2}), NOW) == pytest.approx(expected)


def test_it_goes_on_after_an_error_and_ends_with_the_lab(tmp_path, monkeypatch):
    monkeypatch.setattr(store_paths, "STATE_ROOT", tmp_path)
    paths = LabPaths("demo")
    for directory in (paths.state, paths.exits, paths.wake):
        directory.mkdir()
    outcomes = [
        Report(changes=2, rounds=1, problems=["pod default/web: no"]),
        KernelError("refused"),
        Report(),
        NotFound("gone"),
    ]
    waits, said = [], []

    @contextmanager
    def session(*_, **__):
        yield None

    def reconcile(_):
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(loop, "session", session)
    monkeypatch.setattr(loop, "reconcile", reconcile)
    monkeypatch.setattr(loop, "watch_conntrack", lambda _: None)
    monkeypatch.setattr(loop.Watch, "wait", lambda _, seconds: waits.append(seconds))
    loop.run(paths, clock=lambda: NOW, say=said.append)
    assert waits == [loop.REPAIR_S, loop.RETRY_S, loop.REPAIR_S]
    assert said == ["changes=2 rounds=1", "problem: pod default/web: no", "error: refused"]


WITH_A_FAULT = """
import runpy, sys, threading
from netlab.agent import loop

def run(paths, say):
    threading.Thread(target=lambda: 1 / 0, name="prober", daemon=True).start()
    threading.Event().wait()

loop.run, sys.argv = run, ["agent", "lab", "0"]
runpy.run_module("netlab.agent", run_name="__main__")
"""


def test_an_agent_of_which_a_part_has_failed_ends_and_says_how():
    """One without its prober would look alive."""
    done = subprocess.run(
        [sys.executable, "-c", WITH_A_FAULT], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "in thread prober" in done.stderr
    assert "ZeroDivisionError" in done.stderr

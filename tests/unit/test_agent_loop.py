"""When the agent looks again, and that it ends with its lab."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from netlab.agent import loop
from netlab.engine.report import Report
from netlab.errors import KernelError, NotFound
from netlab.store import paths as store_paths
from netlab.store.paths import LabPaths

NOW = 1000.0


@pytest.mark.parametrize(
    ("wake_at", "expected"),
    [
        pytest.param(None, loop.REPAIR_S, id="nothing is due: only repair"),
        pytest.param(NOW + 3, 3.0, id="a back-off ends in three seconds"),
        pytest.param(NOW - 3, 0.0, id="it is over already"),
        pytest.param(NOW + 300, loop.REPAIR_S, id="far away: repair comes first"),
    ],
)
def test_next_look(wake_at, expected):
    assert loop.next_look(Report(wake_at=wake_at), NOW) == expected


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
    monkeypatch.setattr(loop.Watch, "wait", lambda _, seconds: waits.append(seconds))
    loop.run(paths, clock=lambda: NOW, say=said.append)
    assert waits == [loop.REPAIR_S, loop.RETRY_S, loop.REPAIR_S]
    assert said == ["changes=2 rounds=1", "problem: pod default/web: no", "error: refused"]

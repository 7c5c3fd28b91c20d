"""The loop of all checks: what it is told in one round may have been closed by what it was told before."""

from __future__ import annotations

import os
import select
import subprocess

import pytest

from netlab.kernel.checks import Checker
from netlab.kernel.crun import Crun
from netlab.kernel.exec_check import RunningCommand
from netlab.kernel.poddir import LabDirectories
from netlab.netstate.health import ExecCheck, Outcome
from tests.descriptors import open_files

CHECK = ExecCheck(uid="00000001-0000-4000-8000-000000000000", container="c", attempt=0, args=("true",), kind="liveness")


@pytest.fixture
def checker(tmp_path):
    made = Checker(LabDirectories(state=tmp_path / "state", data=tmp_path / "data", lab="t"), Crun(tmp_path))
    yield made
    made.close()


@pytest.mark.parametrize("said", [b"", b"late"])
def test_a_command_may_end_before_its_output_does(checker, monkeypatch, said):
    """A Pod that is ended has crun killed first, and then who holds the output: both are told in one round, the end first."""
    kept: list[int] = []

    def started(self: RunningCommand, _: Crun, output: int) -> subprocess.Popen[bytes]:
        kept.append(os.dup(output))
        return subprocess.Popen(self._check.args)

    monkeypatch.setattr(RunningCommand, "_start", started)
    before = open_files()
    checker.submit("mine", CHECK, 60.0)
    [command] = checker._asked.values()
    assert select.select([command._handle], [], [], 60.0)[0]
    os.write(kept[0], said)
    os.close(kept[0])
    assert checker.wait(0.0) == [("mine", Outcome(success=True, text=said.decode()))]
    assert checker.wait(0.0) == []
    assert open_files() <= before

"""What tests of one process need: a command line typed in it, and the whole engine on Fakes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from netlab.cli.main import run
from netlab.engine import up as up_module
from netlab.store import paths as store_paths
from tests.fake_lab import Bench, fake_lab


@pytest.fixture
def instructions() -> Callable[[Callable[[], object]], int]:
    """`instructions(work)` is how many of Python's instructions `work()` takes: as many on a slow machine as on a fast one."""

    def counted(work: Callable[[], object]) -> int:
        count, before = 0, sys.gettrace()

        def trace(frame: FrameType, event: str, _: object) -> Callable[..., object]:
            nonlocal count
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
            count += event == "opcode"
            return trace

        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(before)
        return count

    return counted


@pytest.fixture
def said(capsys):
    """`said("explain", "pod")` is (exit code, output, errors), for verbs that touch no Linux before they say what is wrong."""

    def call(*words):
        code = run(words)
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


@pytest.fixture
def bench(tmp_path, monkeypatch) -> Iterator[Bench]:
    """A lab on Fakes, without an agent."""
    monkeypatch.setattr(store_paths, "STATE_ROOT", tmp_path / "run")
    monkeypatch.setattr(store_paths, "DATA_ROOT", tmp_path / "data")
    monkeypatch.setattr(up_module, "ensure_agent", lambda _: None)
    with fake_lab() as made:
        yield made

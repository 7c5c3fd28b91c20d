"""netlab as a user runs it: a process of its own, and what it printed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

TIMEOUT_S = 180


@dataclass
class Outcome:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def netlab(
    *words: str,
    stdin: str = "",
    driver: tuple[str, ...] = ("-m", "netlab"),
    timeout: float = TIMEOUT_S,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Outcome:
    """Run a command line to its end. `environment` is beside this process's own, `driver` what Python is told to run."""
    done = subprocess.run(
        [sys.executable, *driver, *words], input=stdin, env={**os.environ, **(environment or {})}, cwd=folder,
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)


def mark_what_touches_linux(items: Iterable[pytest.Item], touches: Callable[[pytest.Item], bool]) -> None:
    """Mark tests as `kernel`, and skip them unless this is the throw-away machine that scripts/test makes."""
    for item in filter(touches, items):
        item.add_marker(pytest.mark.kernel)
        if os.environ.get("NETLAB_TEST_VM") != "1":
            item.add_marker(pytest.mark.skip(reason="touches Linux: run scripts/test, which plays the VM"))

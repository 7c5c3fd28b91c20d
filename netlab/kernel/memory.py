"""How much memory processes take, shared pages counted once. Source: proc_pid_smaps_rollup(5)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path


def pss_bytes(pids: Iterable[int]) -> int:
    """Return the sum of the processes' proportional set sizes in bytes; those that have ended count nothing."""
    return sum(_pss(pid) for pid in pids)


def _pss(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0

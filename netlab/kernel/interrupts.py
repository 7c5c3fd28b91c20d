"""Ctrl-C while we become two processes: the terminal sends it to both, and the younger one is not ready to be interrupted.

Python runs code in a new process before ours does (threading, random), and an interrupt there is a traceback that nobody asked
for. So SIGINT is held while a process is made; what came meanwhile the parent hears at the end, and the child never.
Source: signal(7), PyOS_AfterFork_Child.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held() -> Iterator[None]:
    """Hear Ctrl-C only when the block has ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def forget() -> None:
    """In the new process: forget a Ctrl-C that came meanwhile; a later one ends this process, or what it becomes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # takes away what waits
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.SIG_DFL)

"""A process that outlives the command that started it, and its end. Source: setsid(2), pidfd_open(2), daemon(7)."""

from __future__ import annotations

import os
import select
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from netlab.errors import KernelError

# What a program needs and nothing that a user's shell happens to hold: the process lives longer than that shell.
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")


def start_detached(args: Sequence[str], log: Path) -> int:
    """Start a program in a session of its own, in `/`, with its output added to `log`; return its pid.

    Raises:
        KernelError: it cannot be started.
    """
    env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            process = subprocess.Popen(
                args, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, cwd="/", env=env, start_new_session=True
            )
        finally:
            os.close(handle)
    except OSError as error:
        raise KernelError(f"start {args[0]}: {error.strerror}") from error
    process.returncode = 0  # it is not waited for: it belongs to process 1 as soon as this command has ended
    return process.pid


def end(pid: int, deadline_s: float, *, still: Callable[[], bool]) -> None:
    """End a process by TERM, after `deadline_s` by KILL, and return when it is gone.

    `still` tells whether `pid` is still the process that is meant. It is asked after the process is held by a pidfd, so a
    pid that was given to another process in the meantime is never signalled.
    """
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not still():
                return
            signal.pidfd_send_signal(handle, number)
            if select.select([handle], [], [], deadline_s)[0]:
                return
    except ProcessLookupError:
        return
    finally:
        os.close(handle)

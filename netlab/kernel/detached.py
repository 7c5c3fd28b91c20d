"""A process that outlives the command that started it, and its end. Source: setsid(2), pidfd_open(2), daemon(7).

It is known by a file that it keeps open, and whose content is its pid. A pid alone proves nothing: it may long belong to
another process; the open file does.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Sequence
from pathlib import Path

from netlab.errors import KernelError
from netlab.kernel import interrupts

# What a program needs and nothing that a user's shell happens to hold: the process lives longer than that shell.
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV")
PID_DIGITS = 20


def start_detached(args: Sequence[str], log: Path, held: int) -> None:
    """Start a program in a session of its own, in `/`, with its output added to `log`.

    It inherits the open file `held`, whose number is added to its arguments, and whose content is its pid from the moment on
    in which there is such a process, whatever becomes of us.

    Raises:
        KernelError: it cannot be started.
    """
    import subprocess  # noqa: PLC0415 - nearly always what is to be started runs already

    env = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    try:
        os.ftruncate(held, 0)
        log_file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(log_file) as output, interrupts.held():
            process = subprocess.Popen(
                [*args, str(held)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=env,
                start_new_session=True,
                pass_fds=(held,),
                preexec_fn=lambda: _begin(held),  # noqa: PLW1509 - we have no threads here
            )
    except OSError as error:
        raise KernelError(f"start {args[0]}: {error.strerror}") from error
    process.returncode = 0  # it is not waited for: it belongs to process 1 as soon as this command has ended


def _begin(held: int) -> None:
    """What the new process does before it becomes the program."""
    os.pwrite(held, str(os.getpid()).encode(), 0)
    interrupts.forget()


def holder(path: Path) -> int | None:
    """Return the pid that is the content of `path`, if that process has `path` open; else None."""
    try:
        pid, wanted = int(path.read_bytes()[:PID_DIGITS] or b"0"), path.stat()
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found = entry.stat()
                if (found.st_dev, found.st_ino) == (wanted.st_dev, wanted.st_ino):
                    return pid
    except (OSError, ValueError):
        return None
    return None


def end(path: Path, deadline_s: float) -> bool:
    """End the process that holds `path` by TERM, after `deadline_s` by KILL; return when it is gone, False if none holds it.

    That it holds the file is looked at again when the process is held by a pidfd: no other one is ever signalled.
    """
    pid = holder(path)
    if pid is None:
        return False
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if holder(path) != pid:
                break
            signal.pidfd_send_signal(handle, number)
            if select.select([handle], [], [], deadline_s)[0]:
                break
    except ProcessLookupError:
        pass
    finally:
        os.close(handle)
    return True

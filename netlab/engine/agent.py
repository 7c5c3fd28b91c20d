"""The agent, seen from outside: is it alive, start it, stop it, wake it. What it does stands in `netlab/agent/`."""

from __future__ import annotations

import os
import sys

from netlab.errors import KernelError
from netlab.kernel.files import touch
from netlab.store.lock import is_kept, keep
from netlab.store.paths import LabPaths

STOP_DEADLINE_S = 2.0
ATTEMPTS = 5


def agent_pid(paths: LabPaths) -> int | None:
    """Return the pid of the lab's agent, or None if none lives."""
    from netlab.kernel.detached import holder  # noqa: PLC0415 - every verb asks whether the agent lives; mostly it does

    return holder(paths.agent_lock) if is_kept(paths.agent_lock) else None


def ensure_agent(paths: LabPaths) -> None:
    """Start the agent unless it lives. It inherits the lock that is taken here, so there are never two."""
    held = keep(paths.agent_lock)
    if held is not None:
        from netlab.kernel.detached import start_detached  # noqa: PLC0415 - as above

        try:
            start_detached((sys.executable, "-P", "-m", "netlab.agent", paths.lab), paths.agent_log, held)
        finally:
            os.close(held)


def wake_agent(paths: LabPaths) -> None:
    """Make the agent look at the lab now."""
    touch(paths.wake / "look")


def stop_agent(paths: LabPaths) -> None:
    """End the agent if it lives, and return when it has ended. Pods and traffic do not notice.

    Raises:
        KernelError: somebody keeps the agent's lock who is not the agent.
    """
    from netlab.kernel.detached import end  # noqa: PLC0415 - as above
    from netlab.kernel.inotify import Watch  # noqa: PLC0415

    for _ in range(ATTEMPTS):
        with Watch([paths.state], modified=True) as watch:
            if not is_kept(paths.agent_lock):
                return
            if not end(paths.agent_lock, STOP_DEADLINE_S):
                watch.wait(STOP_DEADLINE_S)  # another command is starting it in this moment, and its pid is about to appear
    raise KernelError(f"{paths.agent_lock} is held by a process that does not end")

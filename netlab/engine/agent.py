"""The agent, seen from outside: is it alive, start it, stop it, wake it. What it does stands in `netlab/agent/`."""

from __future__ import annotations

import os
import sys

from netlab.kernel.detached import end, start_detached
from netlab.store.lock import keeper
from netlab.store.paths import LabPaths

STOP_DEADLINE_S = 2.0


def agent_pid(paths: LabPaths) -> int | None:
    """Return the pid of the lab's agent, or None if none lives."""
    return keeper(paths.agent_lock)


def ensure_agent(paths: LabPaths) -> bool:
    """Start the agent unless it lives; tell whether it was started. Two agents never work: the second one ends by itself."""
    if agent_pid(paths) is not None:
        return False
    start_detached((sys.executable, "-P", "-m", "netlab.agent", paths.lab), paths.agent_log)
    return True


def wake_agent(paths: LabPaths) -> None:
    """Make the agent look at the lab now."""
    os.close(os.open(paths.wake / "look", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def stop_agent(paths: LabPaths) -> None:
    """End the agent if it lives, and return when it has ended. Pods and traffic do not notice."""
    pid = agent_pid(paths)
    if pid is not None:
        end(pid, STOP_DEADLINE_S, still=lambda: agent_pid(paths) == pid)

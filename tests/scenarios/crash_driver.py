"""Run `netlab` and kill it (SIGKILL) after its n-th step: `python crash_driver.py N ARGS...`. Without N steps it just ends.

A step is a step of the network plan, a step done to processes, or a committed transaction of the store.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading

from netlab.cli.main import run
from netlab.engine import down, session
from netlab.kernel.known_rules import KnownRules
from netlab.kernel.linux import LinuxNetwork
from netlab.kernel.runtime import ContainerRuntime
from netlab.store.store import Store

LIMIT = int(sys.argv[1])
LOCK = threading.Lock()
DONE = 0


def step() -> None:
    """Count one step; the n-th is the last thing this process does."""
    global DONE  # noqa: PLW0603 - one counter for one process
    with LOCK:
        DONE += 1
        if DONE == LIMIT:
            os.kill(os.getpid(), signal.SIGKILL)


class CountedNetwork(LinuxNetwork):
    def __init__(self, rules: KnownRules | None = None) -> None:
        super().__init__(on_step=step, rules=rules)


def counted(name: str) -> None:
    """Make a method of the runtime count."""
    original = getattr(ContainerRuntime, name)

    def method(self, *args, **kwargs):
        result = original(self, *args, **kwargs)
        step()
        return result

    setattr(ContainerRuntime, name, method)


@contextlib.contextmanager
def transaction(self):
    with ORIGINAL(self):
        yield
    step()


ORIGINAL = Store.transaction
Store.transaction = transaction
session.LinuxNetwork = down.LinuxNetwork = CountedNetwork
for each in ("prepare", "start_sandbox", "start_container", "remove_container", "terminate", "kill", "remove", "clean"):
    counted(each)

code = run(sys.argv[2:])
print(f"steps={DONE}", file=sys.stderr)
sys.exit(code)

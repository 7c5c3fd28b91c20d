"""`python -m netlab.agent LAB LOCK`: started by `netlab up` and by any later command that finds it dead.

LOCK is the number of the open file that makes it the only agent of the lab. It is inherited, and must not be passed on: a
container's conmon would keep it for as long as the container lives.
"""

from __future__ import annotations

import os
import sys

from netlab.agent.loop import run
from netlab.store.paths import LabPaths

if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[2]), False)
    run(LabPaths(sys.argv[1]), say=lambda text: print(text, flush=True))  # noqa: T201 - its output is agent.log

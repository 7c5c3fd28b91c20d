"""`python -m netlab.agent LAB`: started by `netlab up` and by any later command that finds it dead."""

from __future__ import annotations

import sys

from netlab.agent.loop import run
from netlab.store.paths import LabPaths

if __name__ == "__main__":
    run(LabPaths(sys.argv[1]), say=lambda text: print(text, flush=True))  # noqa: T201 - its output is agent.log

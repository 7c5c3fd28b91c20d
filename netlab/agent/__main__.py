"""`python -m netlab.agent LAB LOCK`: started by `netlab up` and by any later command that finds it dead.

LOCK is the number of the open file that makes it the only agent of the lab. It is inherited, and must not be passed on: a
container's conmon would keep it for as long as the container lives.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from typing import NoReturn

from netlab.agent.loop import run
from netlab.store.paths import LabPaths

GARBAGE_AT = 200_000
"""Objects more than before, at which Python looks for cycles: as in a command. To look through 10,000 Services takes 0.2 s."""


def end_with(failed: threading.ExceptHookArgs) -> NoReturn:
    """End the agent because one of its threads has failed in a way that nobody foresaw, and say how.

    Without its prober it would look alive, and no container would become ready any more. The next command starts another one.
    """
    threading.__excepthook__(failed)
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    threading.excepthook = end_with
    gc.set_threshold(GARBAGE_AT)
    os.set_inheritable(int(sys.argv[2]), False)
    run(LabPaths(sys.argv[1]), say=lambda text: print(text, flush=True))  # noqa: T201 - its output is agent.log

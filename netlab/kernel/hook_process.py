"""`python -m netlab.kernel.hook_process STATE DATA LAB BUNDLE ID KIND`: does one hook, writes down how it ended.

It ends with its container at the latest, whatever it is waiting for.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Final

from netlab.errors import NetlabError
from netlab.kernel import hooks, processes
from netlab.kernel.checks import Checker
from netlab.kernel.crun import Crun
from netlab.kernel.poddir import Bundle, LabDirectories
from netlab.netstate.health import ExecCheck, HttpCheck
from netlab.netstate.hooks import Pause

FOR_EVER_S: Final = 1e6  # longer than any grace period; a number that select(2) takes


def run(places: LabDirectories, bundle: Bundle, kind: str) -> None:
    """Do the hook and write down how it ended; return when its container has ended before it."""
    started, hook = bundle.run(), hooks.read_hook(bundle, kind)
    if started is None:
        return
    if isinstance(hook, Pause):
        if processes.wait([started.main], hook.seconds):
            hooks.end(places, bundle, kind, success=True)
        return
    threading.Thread(target=_ask, args=(places, bundle, kind, hook), daemon=True).start()
    processes.wait([started.main], FOR_EVER_S)


def _ask(places: LabDirectories, bundle: Bundle, kind: str, check: ExecCheck | HttpCheck) -> None:
    """Ask like a probe, but without a timeout; this is not the main thread, so it may enter namespaces."""
    try:
        checker: Checker[None] = Checker(places, Crun(places.crun))
        checker.submit(None, check, FOR_EVER_S)
        found = checker.wait(None)
        while not found:
            found = checker.wait(None)
        ((_, outcome),) = found
        if not outcome.success:
            print(outcome.text, flush=True)  # noqa: T201 - its output is the bundle's hook.err
        hooks.end(places, bundle, kind, success=bool(outcome.success))
    except NetlabError as error:
        print(error, flush=True)  # noqa: T201
    finally:
        os._exit(0)


if __name__ == "__main__":
    state, data, lab, path, disk, name, which = sys.argv[1:]
    run(LabDirectories(state=Path(state), data=Path(data), lab=lab), Bundle(Path(path), Path(disk), name), which)

"""Waiting until what was asked for is so: reconcile, and again as soon as a container ends or a grace period is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from netlab.engine.agent import wake_agent
from netlab.engine.reconcile import reconcile
from netlab.engine.session import Clock, session
from netlab.errors import NetlabError
from netlab.kernel.inotify import Watch
from netlab.model.meta import Key
from netlab.store.paths import LabPaths

LOOK_AGAIN_S = 1.0


def wait_gone(
    paths: LabPaths, uids: Mapping[Key, str], clock: Clock, waiting: Callable[[str], None], limit_s: float | None = None
) -> None:
    """Return when none of the objects with these uids exists any more. The lock is free while nothing happens.

    Raises:
        NetlabError: one is still there after `limit_s` seconds (None: it takes as long as it takes).
    """
    end = None if limit_s is None else time.monotonic() + limit_s
    with Watch([paths.exits]) as watch:
        while True:
            with session(paths, clock=clock, waiting=waiting) as lab:
                report = reconcile(lab)
                objects = lab.store.cluster().objects
            left = [key for key, uid in uids.items() if key in objects and objects[key].metadata.uid == uid]
            if not left:
                wake_agent(paths)
                return
            if end is not None and time.monotonic() >= end:
                raise NetlabError(f"timed out waiting for the condition on {left[0]}")
            pause_s = max(0.0, report.wake_at - clock()) if report.wake_at else LOOK_AGAIN_S
            watch.wait(pause_s if end is None else min(pause_s, max(0.0, end - time.monotonic())))

"""The images of this machine as a round asks for them: what is there, and a pull begun in the background.

A pull belongs to no lab and is never waited for under a lab's lock: a process of its own does it (agent/puller.py), one for
each reference, known by the file it keeps. What became of it stands in its record, and all labs are woken.
"""

from __future__ import annotations

import os
import sys

from netlab.desired.image_names import ImageName
from netlab.kernel.detached import start_detached
from netlab.kernel.image_store import STORE, ImageStore
from netlab.kernel.pull_records import pull_directory
from netlab.netstate.pull import ImageLook, PullRecord
from netlab.store import paths
from netlab.store.lock import is_kept, keep


def image_store() -> ImageStore:
    """Return the store of this machine, there or not."""
    return ImageStore(data=paths.DATA_ROOT / STORE, state=paths.STATE_ROOT / STORE)


class MachineImages:
    """What the engine asks of images (kernel.port.Images), answered by the store of this machine."""

    def __init__(self, store: ImageStore | None = None) -> None:
        self.store = store or image_store()

    def look(self, name: ImageName) -> ImageLook:
        """Return what there is of an image. Raises KernelError if the store cannot be read."""
        pulls = pull_directory(self.store.pulls, str(name))
        running = is_kept(pulls.lock)  # before the record: it is written before the lock is given up
        return ImageLook(image=self.store.find(str(name)), record=pulls.record(), running=running)

    def pull(self, name: ImageName, failures: int, now: float) -> None:
        """Begin to pull an image unless somebody does; `failures` went wrong before. Raises KernelError."""
        self.store.make()
        pulls = pull_directory(self.store.pulls, str(name))
        pulls.make()
        held = keep(pulls.lock)
        if held is None:
            return
        try:
            pulls.write(PullRecord(reference=str(name), started_at=now, failures=failures))
            start_detached((sys.executable, "-P", "-m", "netlab.agent.puller", str(name)), self.store.state / "log", held)
        finally:
            os.close(held)

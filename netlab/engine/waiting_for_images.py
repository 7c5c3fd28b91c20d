"""A pull that a person waits for: the same as for a Pod, begun at once, and its record watched until it has ended."""

from __future__ import annotations

import time

from netlab.desired.image_names import ImageName
from netlab.desired.image_pulls import LOST
from netlab.engine.images import MachineImages
from netlab.errors import KernelError
from netlab.kernel.image_store import ImageStore
from netlab.kernel.inotify import Watch
from netlab.kernel.pull_records import pull_directory

LOOK_S = 1.0


def pull_and_wait(store: ImageStore, name: ImageName) -> str:
    """Pull an image, or wait for the pull that is at work, and return its name. Raises KernelError with what went wrong."""
    images, pulls = MachineImages(store), pull_directory(store.pulls, str(name))
    store.make()
    pulls.make()
    began = time.time()
    with Watch([pulls.path]) as watch:
        images.pull(name, 0, began)
        while True:
            look = images.look(name)
            if not look.running and look.record is not None:
                break
            watch.wait(LOOK_S)  # a puller that is killed writes nothing
    if look.record.error or not look.record.finished_at:
        raise KernelError(f'failed to pull image "{name}": {look.record.error or LOST}')
    return str(name)

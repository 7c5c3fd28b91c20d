"""What changes the images of this machine: a pull done, files loaded, images removed. skopeo does the work.

A process that is killed in between leaves nothing that is seen: skopeo registers an image last, and downloads of the dead are
cleared by the next call.
"""

from __future__ import annotations

import contextlib
import fcntl
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from netlab.desired.image_names import ImageName, InvalidImageName, parse
from netlab.engine.agent import wake_agent
from netlab.errors import Conflict, NetlabError, NotFound
from netlab.kernel import skopeo
from netlab.kernel.files import remove_if_empty, remove_tree
from netlab.kernel.image_archive import packed_images
from netlab.kernel.image_store import ImageStore
from netlab.kernel.image_users import users
from netlab.kernel.pull_records import pull_directory
from netlab.netstate.image import Image
from netlab.netstate.pull import PullRecord
from netlab.store.lock import is_kept
from netlab.store.paths import LabPaths, labs
from netlab.store.store import Store


def pull(store: ImageStore, name: ImageName, finished: Callable[[], None]) -> None:
    """Pull an image, in the process that keeps its lock; write down what became of it, and wake all labs.

    `finished` gives the lock up.
    """
    pulls = pull_directory(store.pulls, str(name))
    begun = pulls.record() or PullRecord(reference=str(name), started_at=time.time())

    def progress(received: int) -> None:
        pulls.write(replace(begun, received=received))

    try:
        skopeo.pull(store, name, progress)
        image = store.find(str(name))
        ended = replace(begun, failures=0, error="", size=image.size if image else 0)
    except NetlabError as error:
        ended = replace(begun, failures=begun.failures + 1, error=str(error))
    pulls.write(replace(ended, finished_at=time.time()))
    finished()
    wake_labs()


def wake_labs() -> None:
    """Make the agent of every lab look: an image it waits for may be there."""
    for lab in labs():
        with contextlib.suppress(NetlabError):  # half-made, or on its way out
            wake_agent(LabPaths(lab))


def named(word: str) -> ImageName:
    """Return the image of a name that a person typed. Raises NetlabError with an example."""
    try:
        return parse(word)
    except InvalidImageName as error:
        raise NetlabError(f"{error}; a name is for example web:1, or registry.example/team/web:1") from error


def load(store: ImageStore, path: Path, name: str) -> Iterator[ImageName]:
    """Bring the images of a file into the store and yield the name of each; `name` is that of the only one.

    Raises:
        NetlabError: the file holds no image, or one without a name.
        HostUnready: skopeo is missing.
        KernelError: an image cannot be unpacked.
    """
    found = packed_images(path)
    if name and len(found) > 1:
        raise NetlabError(f"{path}: holds {len(found)} images, and --name is one name")
    for item in found:
        if not (name or item.name):
            raise NetlabError(f"{path}: the image in it has no name; give it one: --name NAME:TAG")
        called = named(name or item.name)
        skopeo.load(store, path, item, called)
        yield called
    wake_labs()


def remove(store: ImageStore, word: str) -> Image:
    """Remove the image of this name or id with all its names, and return what it was.

    Raises:
        NotFound: there is no such image.
        Conflict: containers use it; the message names their Pods.
        HostUnready: skopeo is missing.
        KernelError: it cannot be removed.
    """
    image = find(store, word)
    with _alone(store):
        if pods := sorted(_pod(lab, uid) for lab, uid in users(store.state.parent, image.id)):
            raise Conflict(f"image {word} is in use by {', '.join(pods)}; delete them first")
        skopeo.delete(store, image.id)
    return image


def remove_store(store: ImageStore) -> None:
    """Remove the store's directories too, if no image is in it and no pull at work."""
    with _alone(store):
        if store.images() or any(is_kept(path) for path in store.pulls.glob("*/lock")):
            return
        for directory in (store.data, store.state):
            remove_tree(directory)
    for directory in (store.data.parent, store.state.parent):
        remove_if_empty(directory)


def find(store: ImageStore, word: str) -> Image:
    """Return the image of a name as it is written in manifests, or of an id. Raises NotFound, KernelError."""
    with contextlib.suppress(NetlabError):
        if image := store.find(str(parse(word))):
            return image
    image = store.find(word)
    if image is None:
        raise NotFound(f"no image {word!r} is here; `netlab image list` shows those that are")
    return image


@contextlib.contextmanager
def _alone(store: ImageStore) -> Iterator[None]:
    """Let no container begin to use an image meanwhile."""
    store.make()
    with store.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pod(lab: str, uid: str) -> str:
    """The Pod of this uid in words."""
    with contextlib.suppress(NetlabError), contextlib.closing(Store(LabPaths(lab).store, lambda: 0.0)) as store:
        for pod in store.cluster().pods:
            if pod.metadata.uid == uid:
                return f"pod {pod.metadata.namespace}/{pod.metadata.name} of lab {lab}"
    return f"a pod of lab {lab}"

"""The root directory of a container from an image: its layers below (root.py), its own user, the directories it wants.

Of the device nodes in an image only those can be opened that any container may make: its cgroup sees to that.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TypeVar

from netlab.errors import KernelError, NotFound
from netlab.kernel import root
from netlab.kernel.crun import Unstartable
from netlab.kernel.files import replace_text
from netlab.kernel.image_store import ImageStore
from netlab.kernel.image_user import User, resolve
from netlab.kernel.image_users import RECORD
from netlab.kernel.in_root import is_directory, make_directories, read_in_root
from netlab.kernel.poddir import Bundle
from netlab.netstate.process import ContainerProcess

# What crun mounts on: a link in their place would lead its mounts elsewhere (crun CVE-2026-47766 is of that kind).
MOUNTED_ON: Final = ("dev", "proc", "sys", "etc")
OPTIONS_MAX: Final = 4095  # a page, with its end
CANNOT_RUN: Final = 126

Result = TypeVar("Result")


def inside(store: ImageStore, bundle: Bundle, target: Path, process: ContainerProcess, do: Callable[[User], Result]) -> Result:
    """Make the container's root directory and return what `do` returns, called with the image's user.

    Call it where nobody else sees what is mounted (mounts.privately).

    Args:
        store: where the image is.
        bundle: its directories are there.
        target: where the root directory is to be seen.
        process: of the container; it has an image.
        do: starts the container.

    Raises:
        Unstartable: the image cannot be run as it is.
        KernelError: the image is gone, or Linux refused.
    """
    root.make_directories(bundle)
    with _kept(store):
        _mount(store, bundle, target, process.image)
        handle = os.open(target, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return do(_furnish(handle, process))
        finally:
            os.close(handle)


@contextlib.contextmanager
def _kept(store: ImageStore) -> Iterator[None]:
    """Let nobody remove images while one is being taken into use. Raises KernelError."""
    try:
        lock = os.open(store.lock, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise KernelError(f"{store.lock}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield
    finally:
        os.close(lock)


def _mount(store: ImageStore, bundle: Bundle, target: Path, wanted: str) -> None:
    image = store.find(wanted)
    if image is None:
        raise KernelError(f"image {wanted[:12]} was removed; it is pulled again")
    replace_text(bundle.path / RECORD, f"{image.id}\n{image.reference}\n")  # before it is used: `image rm` looks for it
    try:
        lower = ":".join(store.links(image))
    except NotFound as error:
        raise KernelError(str(error)) from error
    options = root.options(bundle, lower)
    if len(options) > OPTIONS_MAX:
        raise Unstartable(f"the image has too many layers ({len(image.layers)})", CANNOT_RUN)
    os.chdir(store.overlay)  # this thread's own; the names of layers are relative to it
    root.mount(target, options)
    os.chdir("/")


def _furnish(handle: int, process: ContainerProcess) -> User:
    """Look whether the image can be run, make the directories it is to have, and return its user."""
    for name in MOUNTED_ON:
        if not is_directory(handle, name):
            raise Unstartable(f"/{name} of the image is not a directory", CANNOT_RUN)
    try:
        for path in (process.cwd, *process.image_volumes):
            make_directories(handle, path)
    except OSError as error:
        raise Unstartable(f"mkdir {error.filename}: {(error.strerror or '').lower()}", CANNOT_RUN) from error
    try:
        return resolve(process.image_user, read_in_root(handle, "/etc/passwd"), read_in_root(handle, "/etc/group"))
    except NotFound as error:
        raise Unstartable(str(error), CANNOT_RUN) from error

"""The root directory of a container: an overlay, seen by the container and nobody else.

    image: host ..... a skeleton of directories, in it overlays of the machine's /usr and /etc (oci.py)
    an image ........ its layers (image_root.py)

Above them lies a directory of the container's own, on the disk: what it changes. The overlay is mounted in a view of the mounts
of one thread (mounts.privately), from which conmon and crun are started; conmon's life keeps it, and the machine's own table of
mounts never has an entry that could be left behind. So all containers of a lab can have theirs at one place.
Source: mount_namespaces(7); kernel Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import mounts
from netlab.kernel.files import make_directory
from netlab.kernel.oci import OVERLAYS, work_of
from netlab.kernel.poddir import Bundle

ROOT: Final = "root"
WRITTEN: Final = (ROOT, *OVERLAYS)
"""Directories of a bundle on the disk in which a container's changes are."""
# Directories of the machine that belong to its programs, besides /usr; on older machines /bin and /lib are no links.
_PROGRAMS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")


def make_directories(bundle: Bundle, names: Iterable[str]) -> None:
    """Make those directories of WRITTEN, each with the one that an overlay works in. Raises KernelError."""
    for name in names:
        make_directory(bundle.disk / name)
        make_directory(bundle.disk / work_of(name))


def options(bundle: Bundle, lower: str) -> str:
    """Return the options of the overlay of a root directory; `lower` are its layers, the uppermost first, with `:` between."""
    return f"lowerdir={lower},upperdir={bundle.disk / ROOT},workdir={bundle.disk / work_of(ROOT)}"


def mount(target: Path, overlay: str) -> None:
    """Mount an overlay with these options, in this thread's own view (mounts.privately). Raises KernelError."""
    try:
        mounts.overlay(target, overlay)
    except OSError as error:
        raise KernelError(f"mount the root directory of a container: {error.strerror}") from error


def links_of_host() -> Iterator[tuple[str, Path]]:
    """Yield the directories of programs that are links on this machine, and where to."""
    for name in _PROGRAMS:
        if (path := Path("/", name)).is_symlink():
            yield name, path.readlink()


def directories_of_host() -> Iterator[str]:
    """Yield the directories of programs that are none, which `image: host` sees at their own path and cannot change."""
    for name in (*_PROGRAMS, "opt"):
        path = f"/{name}"
        if os.path.isdir(path) and not os.path.islink(path):  # noqa: PTH112, PTH114 - for each container
            yield path

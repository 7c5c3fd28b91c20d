"""The root directory of a container: an overlay, seen by the container and nobody else.

    image: host ..... a skeleton of directories above the machine's own root directory
    an image ........ its layers (image_root.py)

The skeleton is in a directory of a name that the machine does not have, and is `opaque`: what else the machine has is not seen
from there. Its usr and etc are those of the machine: the kernel finds in their `redirect` under which names.

Above them lies a directory of the container's own, on the disk: what it changes. The overlay is mounted in a view of the mounts
of one thread (mounts.privately), from which conmon and crun are started; conmon's life keeps it, and the machine's own table of
mounts never has an entry that could be left behind. So all containers of a lab can have theirs at one place.
Source: mount_namespaces(7); kernel Documentation/filesystems/overlayfs.rst.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import mounts
from netlab.kernel.files import OPEN, make_directory, remove_tree, translated
from netlab.kernel.poddir import STICKY, Bundle

WRITTEN: Final = ("root", "root.work")
"""Directories of a bundle on the disk: in the first one a container's changes are, in the second one the overlay works."""
HOST: Final = "image-host"
SKELETON: Final = (
    "proc", "sys", "dev", "etc", "usr", "var", "var/tmp", "var/log", "tmp", "run", "root", "opt", "home", "srv", "mnt",
)  # fmt: skip
_OF_MACHINE: Final = ("usr", "etc")
# Directories of the machine that belong to its programs, besides /usr; on older machines /bin and /lib are no links.
_PROGRAMS: Final = ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")


def make_directories(bundle: Bundle) -> None:
    """Make what an overlay needs for a bundle. Raises KernelError."""
    for name in WRITTEN:
        make_directory(f"{bundle.disk}/{name}")


def options(bundle: Bundle, lower: str) -> str:
    """Return the options of the overlay of a root directory; `lower` are its layers, the uppermost first, with `:` between."""
    upper, work = (f"{bundle.disk}/{name}" for name in WRITTEN)
    return f"lowerdir={lower},upperdir={upper},workdir={work}"


def host_options(bundle: Bundle, skeleton: Path) -> str:
    """Return the same for `image: host`. With `xino` all files are on one device, as programs expect of a root directory."""
    return f"{options(bundle, f'{skeleton}:/')},redirect_dir=follow,xino=on"


def make_skeleton(target: Path) -> None:
    """Make in `target`, a file system of its own, what `image: host` has, whole or not at all. Raises KernelError.

    Of its own, because no layer of an overlay may be a directory of another one.
    """
    if (target / HOST).exists():
        return
    draft = target / f".{HOST}"
    remove_tree(draft)
    for directory in (draft, *(draft / name for name in SKELETON)):
        make_directory(directory, STICKY if directory.name == "tmp" else OPEN)
    with translated("make", draft):
        for name, link in _links_of_host():
            (draft / name).symlink_to(link)
        for name in _OF_MACHINE:
            if not os.path.ismount(f"/{name}"):
                os.setxattr(draft / name, "trusted.overlay.redirect", f"/{name}".encode())
        os.setxattr(draft, "trusted.overlay.opaque", b"y")
        draft.rename(target / HOST)


def mount(target: Path, overlay: str) -> None:
    """Mount an overlay with these options, in this thread's own view (mounts.privately). Raises KernelError."""
    try:
        mounts.overlay(target, overlay)
    except OSError as error:
        raise KernelError(f"mount the root directory of a container: {error.strerror}") from error


def _links_of_host() -> Iterator[tuple[str, Path]]:
    """Yield the directories of programs that are links on this machine, and where to."""
    for name in _PROGRAMS:
        if (path := Path("/", name)).is_symlink():
            yield name, path.readlink()


@functools.cache
def directories_of_host() -> tuple[str, ...]:
    """Return the directories that `image: host` sees at their own path and cannot change.

    Of programs those that are no links; of the others those that are on a disk of their own: no overlay looks into it.
    """
    programs = [Path("/", name) for name in (*_PROGRAMS, "opt")]
    own = [Path("/", name) for name in _OF_MACHINE]
    found = [path for path in programs if path.is_dir() and not path.is_symlink()]
    return tuple(map(str, (*found, *(path for path in own if path.is_mount()))))

"""What the machine must have before containers can be run, and the directories made once per lab."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from netlab.errors import HostUnready
from netlab.kernel.crun import ENVIRONMENT
from netlab.kernel.files import PRIVATE, make_directory, translated
from netlab.kernel.machine import require_root
from netlab.kernel.mounts import CGROUPS, OVERLAYFS_MAGIC, filesystem_type
from netlab.kernel.poddir import LabDirectories

SECCOMP: Final = Path("/usr/share/containers/seccomp.json")
PROGRAMS: Final = ("crun", "conmon", "catatonit")
CURE: Final = "apt-get install --no-install-recommends crun conmon catatonit golang-github-containers-common"


def check() -> None:
    """Raise HostUnready with the first thing that is missing and its cure."""
    require_root()
    for name in PROGRAMS:
        if program(name) is None:
            raise HostUnready(f"{name} is missing: {CURE}")
    if not SECCOMP.exists():
        raise HostUnready(f"{SECCOMP} is missing: {CURE}")
    if not any(CGROUPS.glob("*")):
        raise HostUnready(f"no cgroups in {CGROUPS}: mount -t cgroup2 none {CGROUPS}")


def program(name: str) -> str | None:
    """Return the path of a program as the container runtime finds it."""
    return shutil.which(name, path=ENVIRONMENT["PATH"])


def make_directories(places: LabDirectories) -> None:
    """Make what all Pods of a lab need; what is there stays.

    Raises:
        HostUnready: containers cannot have their files on the disk of `data`.
        KernelError: a directory cannot be made; a full disk is named as such.
    """
    for directory in (places.state, places.data):
        with translated("mkdir", directory):
            directory.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
            directory.chmod(PRIVATE)
    _check_disk(places.data)
    for directory in (places.exits, places.crun, places.data / "pods"):
        make_directory(directory, PRIVATE)
    _make_pause_root(places.pause_root)


def _check_disk(data: Path) -> None:
    """The containers' /usr and /etc are overlays with their upper directory in `data`."""
    real = data.resolve()
    if real.is_relative_to("/usr") or real.is_relative_to("/etc"):
        raise HostUnready(f"{data} is in {real}, which containers see: it must be somewhere else")
    if filesystem_type(data) == OVERLAYFS_MAGIC:
        raise HostUnready(f"{data} is on an overlay file system, on which no other can lie: mount -t tmpfs none {data.parent}")


def _make_pause_root(root: Path) -> None:
    """Catatonit and two empty directories: crun mounts /proc and /dev, but does not make them."""
    for directory in (root, root / "proc", root / "dev"):
        make_directory(directory)
    source, target, draft = Path(program("catatonit") or ""), root / "pause", root / ".pause"
    with translated("copy catatonit to", target):
        if not target.exists() or target.stat().st_size != source.stat().st_size:
            shutil.copyfile(source, draft)
            draft.chmod(0o755)
            draft.replace(target)

"""hostPath volumes: whether what is at a path of the machine is of the sort that the volume names, and making it if it may.

Looked at when a Pod's volumes are set up, before anything of it runs.
Source: Kubernetes docs, Volumes (hostPath volume types); kubelet volume/hostpath/host_path.go (checkTypeInternal).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from netlab.errors import MountFailure
from netlab.netstate.volume import HostPath

# Type -> the test of its mode, and what it is called. No type: whatever is there.
SORTS: Final[Mapping[str, tuple[Callable[[int], bool], str]]] = {
    "Directory": (stat.S_ISDIR, "a directory"),
    "DirectoryOrCreate": (stat.S_ISDIR, "a directory"),
    "File": (stat.S_ISREG, "a file"),
    "FileOrCreate": (stat.S_ISREG, "a file"),
    "Socket": (stat.S_ISSOCK, "a socket file"),
    "CharDevice": (stat.S_ISCHR, "a character device"),
    "BlockDevice": (stat.S_ISBLK, "a block device"),
}


def check_host_paths(paths: Iterable[HostPath]) -> None:
    """Make what may be made; raise MountFailure in the kubelet's words for the first path that is not what it is to be."""
    for item in paths:
        if item.type in SORTS:
            problem = _problem(item)
            if problem:
                raise MountFailure(f'MountVolume.SetUp failed for volume "{item.name}" : {problem}')


def _problem(item: HostPath) -> str:
    is_it, words = SORTS[item.type]
    try:
        if item.type == "DirectoryOrCreate" and not os.path.exists(item.path):  # noqa: PTH110 - it raises for nothing
            os.makedirs(item.path, 0o755, exist_ok=True)  # noqa: PTH103
        elif item.type == "FileOrCreate" and not os.path.exists(item.path):  # noqa: PTH110
            os.close(os.open(item.path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o644))
        mode = os.stat(item.path).st_mode  # noqa: PTH116
    except FileNotFoundError:
        mode = 0
    except OSError as error:
        return f"{item.path}: {error.strerror}"
    return "" if is_it(mode) else f"hostPath type check failed: {item.path} is not {words}"

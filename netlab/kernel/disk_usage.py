"""How much of the disk a Pod's programs have written, as du(1) counts it; and the note that a Pod wrote too much.

A container may build trees of any depth and exchange directories while we look: du walks them by descriptors, never follows a
link and stays on one file system. Source: kubelet volume/util/fs (DiskUsage).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from netlab.errors import KernelError
from netlab.kernel import root
from netlab.kernel.files import replace_text
from netlab.kernel.poddir import Bundle, PodDirectory
from netlab.netstate.volume import DiskUsage

DEADLINE_S: Final = 60
WRITTEN: Final = (root.WRITTEN[0], "log")
"""What a container writes to."""


def measure(pod: PodDirectory) -> DiskUsage:
    """Return what a Pod has on the disk, in bytes. What is gone meanwhile counts nothing. Raises KernelError."""
    volumes = {entry.name: [Path(entry.path)] for entry in _directories(pod.disk / "volumes")}
    containers = {name: [bundle.disk / part for part in WRITTEN] for name, bundle in _newest(pod)}
    paths = [str(path) for places in (*volumes.values(), *containers.values()) for path in places]
    found = _sizes([path for path in paths if os.path.lexists(path)])
    return DiskUsage(
        volumes={name: sum(found.get(str(path), 0) for path in places) for name, places in volumes.items()},
        containers={name: sum(found.get(str(path), 0) for path in places) for name, places in containers.items()},
    )


def note(pod: PodDirectory, message: str) -> None:
    """Write down why the Pod is to be evicted; if it was cleared away there is nothing to be said. Raises KernelError."""
    try:
        replace_text(pod.path / "evicted", message)
    except KernelError:
        if pod.path.exists():
            raise


def _sizes(paths: list[str]) -> dict[str, int]:
    if not paths:
        return {}
    words = ["nice", "-n", "19", "du", "--summarize", "--one-file-system", "--block-size=1", "--null", "--", *paths]
    try:
        done = subprocess.run(words, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=DEADLINE_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelError(f"du: {error}") from error
    rows = (row.partition(b"\t") for row in done.stdout.split(b"\0"))
    return {os.fsdecode(path): int(size) for size, _, path in rows if size.isdigit()}


def _directories(path: Path) -> list[os.DirEntry[str]]:
    with suppress(FileNotFoundError), os.scandir(path) as entries:
        return [entry for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


def _newest(pod: PodDirectory) -> Iterator[tuple[str, Bundle]]:
    """The newest run of each container."""
    for name in pod.containers():
        if attempts := pod.attempts(name):
            yield name, pod.bundle(name, attempts[-1])

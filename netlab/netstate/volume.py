"""Volumes of a Pod: directories that go with it, paths of the machine, and files that are written for it.

Contents may be secret: they are not part of what an object of here prints as.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field

from netlab.frozen import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFile:
    """One file; `path` is relative to the volume and stays in it."""

    path: str
    content: bytes = field(repr=False)
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeFiles:
    """All files of one volume, sorted by path. `in_memory`: they must not be written to a disk."""

    name: str
    files: tuple[VolumeFile, ...]
    in_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Scratch:
    """A directory that is empty at first and goes with the Pod (emptyDir).

    `in_memory`: a tmpfs that is full with `size_bytes`; 0: with half of the machine's memory, as the kernel has it. On the
    disk nobody is stopped from writing.
    """

    name: str
    in_memory: bool = False
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskUsage:
    """What a Pod has on the disk, in bytes: each volume that goes with it, and each container's layer with its log."""

    volumes: Mapping[str, int]
    containers: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPath:
    """A volume that is a path of the machine: its name, the path, and of what sort it must be (a hostPath type, or none)."""

    name: str
    path: str
    type: str = ""


def digest_of(volumes: Iterable[VolumeFiles]) -> str:
    """Return a line for each volume: its name, and a digest of its files with their contents and modes."""
    return "".join(f"{volume.name} {_digest(volume.files)}\n" for volume in volumes)


def _digest(files: Iterable[VolumeFile]) -> str:
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, and most Pods have no such volume

    found = hashlib.sha256()
    for file in files:
        for part in (file.path.encode(), b"%o" % file.mode, file.content):
            found.update(b"%d:" % len(part) + part)
    return found.hexdigest()

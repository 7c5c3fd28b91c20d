"""Volumes whose files are written for a Pod: each file with its bytes and its mode.

Contents may be secret: they are not part of what an object of here prints as.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field


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
class HostPath:
    """A volume that is a path of the machine: its name, the path, and of what sort it must be (a hostPath type, or none)."""

    name: str
    path: str
    type: str = ""


def digest_of(volumes: Iterable[VolumeFiles]) -> str:
    """Return a line for each volume: its name, and a digest of its files with their contents and modes."""
    return "".join(f"{volume.name} {_digest(volume.files)}\n" for volume in volumes)


def _digest(files: Iterable[VolumeFile]) -> str:
    found = hashlib.sha256()
    for file in files:
        for part in (file.path.encode(), b"%o" % file.mode, file.content):
            found.update(b"%d:" % len(part) + part)
    return found.hexdigest()

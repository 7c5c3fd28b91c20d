"""Writes the files of volumes so that a reader sees all of a change or nothing of it, however many files it touches.

    <volume>/settings.ini -> ..data/settings.ini     what a container opens; made once
    <volume>/..data       -> ..2026_01_31_12_00_00.x  exchanged by one rename(2)
    <volume>/..2026_01_31_12_00_00.x/settings.ini     never changed once it can be seen

Whoever holds an open file or has opened the directory goes on seeing the old ones. A crash leaves a directory that `..data`
does not lead to; the next writer removes it. Only we write here: containers get the volume read-only.
Source: Kubernetes pkg/volume/util/atomic_writer.go; rename(2).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from netlab.kernel.files import OPEN, make_directory, read, replace_text, translated
from netlab.kernel.poddir import LabDirectories, component
from netlab.netstate.volume import VolumeFile, VolumeFiles, digest_of

DATA: Final = "..data"
DRAFT: Final = "..data_tmp"
RECORD: Final = "files"
"""The file of a Pod's directory that says which files were written, each volume a line."""


def volume_directory(places: LabDirectories, uid: str, volume: VolumeFiles) -> Path:
    """Return where a volume's files are: with the Pod, or in memory if they must not be on a disk."""
    parent = places.secrets(uid) if volume.in_memory else places.pod(uid).disk / "volumes"
    return parent / component(volume.name)


def write_volumes(places: LabDirectories, uid: str, volumes: Iterable[VolumeFiles]) -> None:
    """Make all files of these volumes be as wished; what is so already is not touched. Raises KernelError."""
    wanted = tuple(volumes)
    if not wanted:
        return
    record = places.pod(uid).path / RECORD
    before = (read(record) or "").splitlines(keepends=True)
    for volume in wanted:
        directory = volume_directory(places, uid, volume)
        if digest_of([volume]) in before and (directory / DATA).is_dir():
            continue
        if volume.in_memory:
            make_directory(directory.parent.parent)
            make_directory(directory.parent)
        make_directory(directory)
        write_files(directory, volume.files)
    replace_text(record, digest_of(wanted))  # last: a crash before means that all is written again


def written(pod: Path) -> str:
    """Return the digest of the files last written in the directory of a Pod; empty if there are none."""
    return read(pod / RECORD) or ""


def write_files(directory: Path, files: Iterable[VolumeFile]) -> None:
    """Put exactly these files into a volume's directory, all at once. Raises KernelError."""
    import tempfile  # noqa: PLC0415 - most Pods have no such volume, and most commands write none

    wanted = tuple(files)
    with translated("write", directory):
        fresh = Path(tempfile.mkdtemp(prefix=time.strftime("..%Y_%m_%d_%H_%M_%S.", time.gmtime()), dir=directory))
        fresh.chmod(OPEN)
        for file in wanted:
            _write(fresh, file)
        draft = directory / DRAFT
        draft.unlink(missing_ok=True)
        draft.symlink_to(fresh.name)
        names = {file.path.partition("/")[0] for file in wanted}
        for name in names:
            with contextlib.suppress(FileExistsError):
                (directory / name).symlink_to(f"{DATA}/{name}")
        draft.replace(directory / DATA)
        _remove_others(directory, {*names, DATA, fresh.name})


def _write(directory: Path, file: VolumeFile) -> None:
    """One file with its directories. The path is from a manifest: it may lead nowhere else."""
    *parents, name = (component(part) for part in file.path.split("/"))
    for parent in parents:
        directory /= parent
        with contextlib.suppress(FileExistsError):
            directory.mkdir()
        directory.chmod(OPEN)
    handle = os.open(directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as stream:
        stream.write(file.content)
        os.fchmod(handle, file.mode)


def _remove_others(directory: Path, kept: set[str]) -> None:
    """What was there before, and what a writer that was killed left."""
    import shutil  # noqa: PLC0415 - as above

    for entry in os.scandir(directory):
        if entry.name not in kept:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path)
            else:
                Path(entry.path).unlink(missing_ok=True)

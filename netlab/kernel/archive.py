"""A tar stream of files of this machine, and the files that a stranger's tar stream may make here. Nothing is held in memory.

What comes out of a container is not trusted. A stream is refused as soon as a member's name, or the file a hard link stands
for, lies outside of what was asked for. Directories are walked one by one, never through a link; symbolic links are made last,
when nothing is written any more, and taken away again if they lead out of the target. Devices are not made. Files get their
permissions, but neither owner nor set-user-id bits.
Source: tar(5); Python docs, "Extraction filters"; openat(2).
"""

from __future__ import annotations

import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Final

from netlab.errors import NetlabError

CHUNK_BYTES: Final = 1 << 18
PERMISSIONS: Final = 0o777
SKIPPED_SHOWN: Final = 3
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
_NO_SURPRISE: Final = os.O_NOFOLLOW | os.O_NONBLOCK  # no link, no wait for the reader of a pipe that is in the way

Say = Callable[[str], object]
"""Tells the user something that is no error."""
Parts = tuple[str, ...]


def pack(source: Path, name: str, stream: IO[bytes], warn: Say) -> None:
    """Write a file or a directory with all in it as a tar stream in which it is called `name`. Links are kept as links.

    Raises:
        OSError: something cannot be read, or the stream not be written.
    """

    def keep(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if member.isreg() or member.isdir() or member.issym() or member.islnk():
            return member
        warn(f"warning: skipping {member.name!r}: neither a file, a directory nor a link")
        return None

    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, bufsize=CHUNK_BYTES) as archive:
        archive.add(source, arcname=name, filter=keep)


def unpack(stream: BufferedReader, name: str, target: Path, warn: Say) -> int:
    """Make the file or directory that a tar stream calls `name`, as `target`; return the number of members.

    A file goes into a target that is a directory, and takes the place of an older one; a directory's files go beside those
    that are there.

    Raises:
        NetlabError: the stream is damaged, or has members that are not below `name`.
        OSError: something cannot be written.
    """
    unpacking = _Unpacking(name, target, warn)
    if not stream.peek(1):  # who was to write it could not
        return 0
    try:
        with tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK_BYTES) as archive:
            for member in archive:
                unpacking.take(archive, member)
    except tarfile.TarError as error:
        raise _corrupted(str(error)) from None
    unpacking.make_links()
    return unpacking.count


class _Unpacking:
    """One stream on its way to files."""

    def __init__(self, name: str, target: Path, warn: Say) -> None:
        self.count = 0
        self._name, self._target, self._warn = name, target, warn
        self._files: set[Parts] = set()
        self._links: dict[Parts, str] = {}

    def take(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        """Make what one member stands for. Raises NetlabError, OSError."""
        self.count += 1
        parts = self._inside(member.name)
        if not parts and not member.isdir() and self._target.is_dir():
            self._target /= self._name
        if member.isdir():
            with self._directory(parts):
                pass
        elif member.issym():
            self._links[parts] = member.linkname
        elif member.islnk():
            self._make_hard_link(parts, self._inside(member.linkname))
        elif member.isreg():
            with self._created(parts, member.mode) as file, archive.extractfile(member) or _refused(member.name) as content:
                shutil.copyfileobj(content, file, CHUNK_BYTES)
            self._files.add(parts)
        else:
            self._warn(f"warning: skipping {member.name!r}: neither a file, a directory nor a link")

    def make_links(self) -> None:
        """Make the symbolic links that stay inside of the target, say which do not."""
        made = {
            parts
            for parts, leads_to in self._links.items()
            if parts and not leads_to.startswith("/") and self._link(parts, leads_to)
        }
        # What a link leads to may change with every other one, so all are looked at again when all are there.
        while leaving := {parts for parts in made if not self._stays(parts)}:
            for parts in leaving:
                self._target.joinpath(*parts).unlink()
            made -= leaving
        self._tell_skipped([parts for parts in self._links if parts not in made])

    def _inside(self, path: str) -> Parts:
        """The way from `name` to a member of the stream; empty for `name` itself. Raises NetlabError."""
        if path != self._name and not path.startswith(f"{self._name}/"):
            raise _corrupted(f"{path!r} is not in {self._name!r}")
        parts = tuple(path[len(self._name) + 1 :].rstrip("/").split("/")) if path != self._name else ()
        parts = () if parts == ("",) else parts
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise _corrupted(f"{path!r} leads out of {self._name!r}")
        return parts

    @contextmanager
    def _directory(self, parts: Sequence[str]) -> Iterator[int]:
        """A file descriptor of a directory below the target, which is made. A link on the way is an error (OSError)."""
        self._target.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._target, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=handle)
                below = os.open(part, _DIRECTORY, dir_fd=handle)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def _created(self, parts: Parts, mode: int) -> Iterator[IO[bytes]]:
        """An ordinary file to write into. The target itself is what the user named: a link of his is followed."""
        if not parts:
            self._target.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(self._target, _NEW_FILE, mode & PERMISSIONS), "wb") as file:
                yield file
            return
        with self._directory(parts[:-1]) as directory:
            handle = os.open(parts[-1], _NEW_FILE | _NO_SURPRISE, mode & PERMISSIONS, dir_fd=directory)
        with os.fdopen(handle, "wb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise NetlabError(f"{self._target.joinpath(*parts)} is in the way: it is no ordinary file")
            yield file

    def _make_hard_link(self, parts: Parts, same_as: Parts) -> None:
        if same_as not in self._files or not parts:
            raise _corrupted(f"{'/'.join(parts)!r} is to be the same file as {'/'.join(same_as)!r}, which is not in it")
        with self._directory(same_as[:-1]) as source, self._directory(parts[:-1]) as directory:
            with suppress(FileNotFoundError):
                os.unlink(parts[-1], dir_fd=directory)
            os.link(same_as[-1], parts[-1], src_dir_fd=source, dst_dir_fd=directory, follow_symlinks=False)
        self._files.add(parts)

    def _link(self, parts: Parts, leads_to: str) -> bool:
        """Make a symbolic link in place of a file or another link; False if a directory is there."""
        with self._directory(parts[:-1]) as directory:
            with suppress(FileNotFoundError, IsADirectoryError):
                os.unlink(parts[-1], dir_fd=directory)
            try:
                os.symlink(leads_to, parts[-1], dir_fd=directory)
            except FileExistsError:
                return False
        return True

    def _stays(self, parts: Parts) -> bool:
        """Tell whether a link leads into the target. One that leads nowhere is followed as far as it goes."""
        path, root = self._target.joinpath(*parts), os.path.realpath(self._target)
        try:
            end = os.path.realpath(path, strict=True)
        except FileNotFoundError:
            end = os.path.realpath(path)
        except OSError:  # a circle, or a path that is too long to be sure of
            return False
        return end == root or end.startswith(f"{root.rstrip('/')}/")

    def _tell_skipped(self, skipped: Sequence[Parts]) -> None:
        for parts in skipped[:SKIPPED_SHOWN]:
            self._warn(f"warning: skipping symlink: {str(self._target.joinpath(*parts))!r} -> {self._links[parts]!r}")
        if len(skipped) > SKIPPED_SHOWN:
            self._warn(f"warning: skipping {len(skipped) - SKIPPED_SHOWN} more symlinks that lead out of {str(self._target)!r}")


def _refused(name: str) -> IO[bytes]:
    raise _corrupted(f"{name!r} has no content")


def _corrupted(why: str) -> NetlabError:
    return NetlabError(f"tar contents corrupted: {why}; nothing of it was written outside of the target")

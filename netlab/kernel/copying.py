"""Files between this machine and a container: a tar stream through a command that runs in the container.

    to the container      pack() here   -->  tar -x there
    from the container    tar -c there  -->  unpack() here

The container's side is done by its own tar, in its own view of the files, so no path or link of a container is ever followed
here. Both sides work at the same time, through a pipe. Source: kubectl cp (how names are understood); tar(1), pipe(7).
"""

from __future__ import annotations

import fcntl
import os
import posixpath
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from netlab.errors import NetlabError
from netlab.kernel.archive import Say, pack, unpack
from netlab.kernel.crun import Stdio

PIPE_BYTES: Final = 1 << 20
NO_PROGRAM: Final = frozenset({126, 127})

Run = Callable[[Sequence[str], Stdio], int]
"""Runs a command in the container with these streams and returns its exit code when it has ended."""


def send(run: Run, source: Path, destination: str, *, preserve: bool, warn: Say) -> None:
    """Copy a file or directory into a container; into `destination` if that is a directory there, otherwise as it.

    Args:
        run: runs commands in the container.
        source: a link stands for what it leads to.
        destination: relative to where the container works.
        preserve: keep owner and permissions.
        warn: told of what cannot be copied.

    Raises:
        NetlabError: `source` does not exist, or the container's tar does not succeed.
    """
    if not source.exists():
        raise NetlabError(f"{source} doesn't exist in local filesystem")
    target = posixpath.normpath(destination)
    if run(["test", "-d", target], (subprocess.DEVNULL, subprocess.DEVNULL, subprocess.DEVNULL)) == 0:
        target = posixpath.join(target, source.absolute().name or "root")
    parent, name = posixpath.split(target)
    options = () if preserve else ("--no-same-permissions", "--no-same-owner")
    with _Through(run, ["tar", *options, "-xmf", "-", "-C", parent or "."], feeding=True) as through:
        try:
            with os.fdopen(through.end, "wb", closefd=False) as stream:
                pack(source.resolve(), name, stream, warn)
        except BrokenPipeError:
            pass  # tar has said why
        except OSError as error:
            raise NetlabError(f"{error.filename or source}: {error.strerror or error}") from error
    through.check(destination)


def fetch(run: Run, source: str, destination: Path, *, warn: Say) -> None:
    """Copy a file or directory out of a container: a file into or as `destination`, a directory's content into it.

    Args:
        run: runs commands in the container.
        source: relative to where the container works.
        destination: made if it is not there.
        warn: told of what is left out.

    Raises:
        NetlabError: there is no `source`, its tar stream is not to be trusted, or `destination` cannot be written.
    """
    path = posixpath.normpath(source)
    parent, name = posixpath.split(path)
    if name in {"", "..", "."}:
        parent, name = path, "."
    with _Through(run, ["tar", "-C", parent or ".", "-cf", "-", "--", name], feeding=False) as through:
        try:
            with os.fdopen(through.end, "rb", closefd=False) as stream:
                members = unpack(stream, name, destination, warn)
        except OSError as error:
            raise NetlabError(f"{error.filename or destination}: {error.strerror or error}") from error
    through.check(source)
    if not members:
        raise NetlabError(f"{source}: tar in the container sent nothing")


class _Through:
    """A command under way in the container with one end of a pipe, and our other end of it."""

    def __init__(self, run: Run, args: Sequence[str], *, feeding: bool) -> None:
        self._run, self._args, self._feeding = run, args, feeding
        self._code = 0
        self._error: BaseException | None = None
        self._said = ""
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.end, self._theirs = (writing, reading) if feeding else (reading, writing)
        self._thread = threading.Thread(target=self._work, name="copy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        """Close our end, which ends the command if it has not ended, and wait for it."""
        os.close(self.end)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def check(self, path: str) -> None:
        """Raise NetlabError unless the command succeeded."""
        if self._code in NO_PROGRAM:
            raise NetlabError("the container has no tar, which copies on its side; use `netlab exec -i` with what it has")
        if self._code:
            raise NetlabError(f"{path}: {self._said or f'tar in the container ended with exit code {self._code}'}")

    def _work(self) -> None:
        log = os.memfd_create("errors", os.MFD_CLOEXEC)
        try:
            ours = (self._theirs, subprocess.DEVNULL) if self._feeding else (subprocess.DEVNULL, self._theirs)
            self._code = self._run(self._args, (*ours, log))
            self._said = first_error(os.pread(log, PIPE_BYTES, 0).decode(errors="replace"))
        except BaseException as error:  # noqa: BLE001 - carried over to the caller, whatever it is
            self._error = error
        finally:
            os.close(self._theirs)  # so that our end is no longer waited for, or waits no longer
            os.close(log)


def first_error(text: str) -> str:
    """Return what tar says is wrong, without its name and without its summary."""
    lines = [line.removeprefix("tar: ").strip() for line in text.splitlines()]
    told = [line for line in lines if line and not line.startswith(("Exiting with failure", "Removing leading"))]
    return told[0] if told else ""
